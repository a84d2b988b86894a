#include "cli/job_option.h"

#include <type_traits>
#include <vector>

#include "base/check.h"

namespace retinaface::cli {
namespace {

void add(CLI::App& app, const pipeline::JobOption& option, pipeline::JobOption::Field field) {
  const std::string name = "--" + std::string(option.name);
  const CLI::Validator is_good(
      [&option](std::string& text) {
        pipeline::DetectionJob scratch;
        return pipeline::set_option(option, text, scratch);
      },
      "");
  std::visit(
      [&](auto* value) {
        using Value = std::remove_pointer_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, bool>) {
          app.add_flag(name, *value, option.help);
        } else if constexpr (std::is_same_v<Value, std::vector<float>>) {
          app.add_option_function<std::string>(
                 name,
                 [&option, value](const std::string& text) {
                   pipeline::DetectionJob scratch;
                   pipeline::set_option(option, text, scratch);
                   *value = *std::get<Value*>(option.field(scratch));
                 },
                 option.help)
              ->check(is_good)
              ->default_str(pipeline::scales_text(*value));
        } else {
          CLI::Option* const added = app.add_option(name, *value, option.help)->check(is_good);
          if (option.has_default) added->capture_default_str();
        }
      },
      field);
}

}  // namespace

void add_job_option(CLI::App& app, const std::string& name, pipeline::DetectionJob& job) {
  const pipeline::JobOption* const option = pipeline::find_job_option(name);
  RF_CHECK(option != nullptr);
  add(app, *option, option->field(job));
}

void add_job_option(CLI::App& app, const std::string& name, pipeline::JobOption::Field value) {
  const pipeline::JobOption* const option = pipeline::find_job_option(name);
  RF_CHECK(option != nullptr);
  add(app, *option, value);
}

}  // namespace retinaface::cli

#include "pipeline/request_record.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/check.h"
#include "base/file.h"
#include "base/part_file.h"
#include "pipeline/json_report.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string described(const std::string& option, const std::string& value) {
  return value.empty() ? "without " + option : "with " + option + " " + value;
}

}  // namespace

bool RequestRecord::exists() const {
  std::error_code ignored;
  return fs::exists(file_, ignored);
}

void RequestRecord::check(const Request& asked, const std::string& results) const {
  const std::vector<std::byte> bytes = read_file(file_);
  const auto* const text = reinterpret_cast<const char*>(bytes.data());
  const json record = json::parse(text, text + bytes.size(), nullptr, false);
  if (!record.is_object() || !record.contains("request") || !record["request"].is_object()) {
    fail(ErrorCode::kBadData,
         "{}: expected the record of a run of `retinaface detect`, found something else; begin "
         "without --resume",
         printable(file_));
  }
  const auto compare = [&](const std::string& option, const std::string& value) {
    const auto found = record["request"].find(option);
    const std::string before =
        found != record["request"].end() && found->is_string() ? found->get<std::string>() : "";
    if (before == printable(value)) return;
    fail(ErrorCode::kInvalidArgument,
         "{}: was begun {}, and --resume cannot go on {}; ask for the same, or begin "
         "without --resume",
         results, described(option, excerpt(before)), described(option, excerpt(value)));
  };
  for (const auto& [option, value] : asked) compare(option, value);
  // What was asked for then and is not now.
  for (const auto& [option, before] : record["request"].items()) {
    if (std::ranges::count(asked, option, &Request::value_type::first) == 0) compare(option, "");
  }
}

void RequestRecord::write(const Request& asked) const {
  json record;
  record["request"] = json::object();
  for (const auto& [option, value] : asked) record["request"][option] = printable(value);
  write_json_report(file_, record);
}

fs::path record_beside(const fs::path& results) {
  std::error_code error;
  const fs::path file = fs::weakly_canonical(fs::absolute(results), error);
  if (error || fs::is_other(fs::status(file, error))) return {};
  return place_beside(file, ".request");
}

}  // namespace retinaface::pipeline

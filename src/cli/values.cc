#include "cli/values.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/file.h"
#include "base/number_text.h"
#include "cli/command.h"
#include "image/codecs/image_name.h"
#include "pipeline/job_options.h"

namespace retinaface::cli {
namespace {

/// Of files other than images and videos.
constexpr std::string_view kFileExtensions[] = {
    ".json", ".jsonl", ".csv", ".npy",  ".safetensors", ".onnx", ".pth", ".pt",   ".ckpt",
    ".svg",  ".pdf",   ".obj", ".html", ".xml",         ".yaml", ".yml", ".toml", ".ply"};

bool is_known_extension(const std::string& extension) {
  const auto has = [&](std::span<const std::string_view> extensions) {
    return std::ranges::find(extensions, extension) != extensions.end();
  };
  return has(kFileExtensions) || has(image_extensions()) || has(video_extensions()) ||
         has(raw_extensions());
}

}  // namespace

CLI::Validator number(double min, double max) {
  return {[=](std::string& text) { return number_fault(text, min, max); }, ""};
}

CLI::Validator whole_number(std::int64_t min, std::int64_t max) {
  return {[=](std::string& text) { return whole_number_fault(text, min, max); }, ""};
}

CLI::Validator one_of(std::vector<std::string> values) {
  return {[values = std::move(values)](std::string& text) {
            return std::ranges::find(values, text) != values.end()
                       ? std::string()
                       : fmt::format("expected {}, found '{}'", fmt::join(values, ", "),
                                     excerpt(text));
          },
          ""};
}

CLI::Validator flag_value() {
  return {[](std::string& text) {
            // As shells' users write them.
            constexpr std::array<std::string_view, 3> kYes = {"1", "yes", "on"};
            constexpr std::array<std::string_view, 3> kNo = {"0", "no", "off"};
            if (std::ranges::find(kYes, text) != kYes.end()) text = "true";
            if (std::ranges::find(kNo, text) != kNo.end()) text = "false";
            bool ignored = false;
            const std::string fault = pipeline::set_flag(text, ignored);
            return fault.empty() ? fault : fault + "; without a value it is true";
          },
          ""};
}

CLI::Validator name_ending_in(std::vector<std::string> extensions) {
  return {[extensions = std::move(extensions)](std::string& name) {
            return ending_fault(name, extensions);
          },
          ""};
}

std::string ending_fault(const std::string& name, std::span<const std::string> extensions) {
  const std::string extension = lower_case_extension(name);
  if (std::ranges::find(extensions, extension) != extensions.end()) return {};
  if (!is_known_extension(extension)) return {};
  return fmt::format("expected a name that ends in {}, found {}", fmt::join(extensions, " or "),
                     printable(name));
}

ImageSize parse_size(std::string_view option, std::string_view text) {
  ImageSize size;
  const std::size_t cross = std::min(text.find('x'), text.size());
  const auto number = [](std::string_view digits, int& value) {
    value = read_number<int>(digits).value_or(0);
    return value >= 1 && value <= 65536;
  };
  if (cross == text.size() || !number(text.substr(0, cross), size.width) ||
      !number(text.substr(cross + 1), size.height)) {
    throw UsageError(
        fmt::format("{}: expected WIDTHxHEIGHT like 640x480, found '{}'", option, excerpt(text)));
  }
  return size;
}

}  // namespace retinaface::cli

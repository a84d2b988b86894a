#include "pipeline/request_record.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "base/check.h"
#include "base/file.h"
#include "base/part_file.h"
#include "base/text.h"
#include "pipeline/json_report.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string described(const std::string& option, const std::string& value) {
  if (value.empty()) return "without " + option;
  return "with " + option + (value == kFlag ? "" : " " + value);
}

struct Difference {
  std::string option;
  std::string before;
  std::string now;
};

/// The first option that was asked for otherwise before.
std::optional<Difference> first_difference(const json& before, const Request& now) {
  const auto value_before = [&](const std::string& option) {
    const auto found = before.find(option);
    return found != before.end() && found->is_string() ? found->get<std::string>() : "";
  };
  for (const auto& [option, value] : now) {
    if (value_before(option) != printable(value)) {
      return Difference{option, value_before(option), value};
    }
  }
  // What was asked for then and is not now.
  for (const auto& [option, value] : before.items()) {
    if (std::ranges::count(now, option, &Request::value_type::first) > 0) continue;
    if (!value_before(option).empty()) return Difference{option, value_before(option), ""};
  }
  return std::nullopt;
}

/// Null where the file is no record.
json parsed(const fs::path& file) {
  const std::vector<std::byte> bytes = read_file(file);
  json record = json::parse(text_of(bytes), nullptr, false);
  const bool is_record =
      record.is_object() && record.contains("request") && record["request"].is_object();
  return is_record ? record : json();
}

bool is_mixed(const json& record) {
  return record.value("is_mixed", json()) == true;
}

}  // namespace

bool RequestRecord::exists() const {
  return path_exists(file_);
}

bool RequestRecord::is_of(const Request& asked) const {
  if (!exists()) return false;
  const json record = parsed(file_);
  return !record.is_null() && !is_mixed(record) && !first_difference(record["request"], asked);
}

void RequestRecord::check(const Request& asked, const std::string& results) const {
  const json record = parsed(file_);
  if (record.is_null()) {
    fail(ErrorCode::kBadData,
         "{}: expected the record of a run of `retinaface detect`, found something else; begin "
         "without --resume",
         printable(file_));
  }
  if (const auto difference = first_difference(record["request"], asked)) {
    fail(ErrorCode::kInvalidArgument,
         "{}: was begun {}, and --resume cannot go on {}; ask for the same, or begin "
         "without --resume",
         results, described(difference->option, excerpt(difference->before)),
         described(difference->option, excerpt(difference->now)));
  }
  if (is_mixed(record)) {
    fail(ErrorCode::kInvalidArgument,
         "{}: holds results of runs with different options, and --resume cannot go on with them; "
         "give all images without --resume, or choose another folder",
         results);
  }
}

void RequestRecord::write(const Request& asked, bool is_mixed) const {
  json record;
  record["request"] = json::object();
  for (const auto& [option, value] : asked) record["request"][option] = printable(value);
  if (is_mixed) record["is_mixed"] = true;
  write_json_report(file_, record);
}

fs::path record_beside(const fs::path& results) {
  std::error_code error;
  if (!can_be_replaced(results)) return {};
  const fs::path file = fs::weakly_canonical(fs::absolute(results), error);
  if (error || fs::is_other(fs::status(file, error))) return {};
  return place_beside(file, ".request");
}

}  // namespace retinaface::pipeline

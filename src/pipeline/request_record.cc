#include "pipeline/request_record.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "base/check.h"
#include "base/content_hash.h"
#include "base/file.h"
#include "base/part_file.h"
#include "base/text.h"
#include "pipeline/json_report.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// How a record has options, whoever writes it.
constexpr OptionSpelling kInRecord = {.prefix = "--"};

std::string described(const std::string& option, const std::string& value,
                      const OptionSpelling& name) {
  if (value.empty()) return "without " + name(option);
  return "with " + name(option, value == kFlag ? "" : value);
}

struct Difference {
  std::string option;
  std::string before;
  std::string now;
};

/// The first option that was asked for otherwise before.
std::optional<Difference> first_difference(const json& before, const Request& now) {
  const auto value_before = [&](const std::string& option) {
    const auto found = before.find(kInRecord(option));
    return found != before.end() && found->is_string() ? found->get<std::string>() : "";
  };
  for (const auto& [option, value] : now) {
    if (value_before(option) != printable(value)) {
      return Difference{option, value_before(option), value};
    }
  }
  // What was asked for then and is not now.
  for (const auto& [recorded, value] : before.items()) {
    if (!recorded.starts_with(kInRecord.prefix)) continue;
    const std::string option = recorded.substr(kInRecord.prefix.size());
    if (std::ranges::count(now, option, &Request::value_type::first) > 0) continue;
    if (!value_before(option).empty()) return Difference{option, value_before(option), ""};
  }
  return std::nullopt;
}

constexpr const char* kEarlier = "earlier";  ///< what earlier results were, and which they are
constexpr const char* kRecord = "record";
constexpr const char* kChecksum = "checksum";

bool is_record(const json& value) {
  return value.is_object() && value.contains("request") && value["request"].is_object();
}

/// What a record's file says of the results that stand there. An empty object where there is no
/// record of them, null where the file is none.
json record_of(const fs::path& file, const fs::path& results) {
  if (!path_exists(file)) return json::object();
  const std::vector<std::byte> bytes = read_file(file);
  json record = json::parse(text_of(bytes), nullptr, false);
  if (!is_record(record)) return {};
  const json earlier = record.value(kEarlier, json());
  if (!earlier.is_object() || !file_exists(results)) return record;
  if (earlier.value(kChecksum, json()) != digits_of(hash_of_file(results))) return record;
  return earlier.value(kRecord, json::object());
}

bool is_mixed(const json& record) {
  return record.value("is_mixed", json()) == true;
}

json record_for(const Request& asked) {
  json record;
  record["request"] = json::object();
  for (const auto& [option, value] : asked) record["request"][kInRecord(option)] = printable(value);
  return record;
}

}  // namespace

bool RequestRecord::exists() const {
  const json record = record_of(file_, results_);
  return record.is_null() || !record.empty();
}

bool RequestRecord::is_of(const Request& asked) const {
  const json record = record_of(file_, results_);
  return is_record(record) && !is_mixed(record) && !first_difference(record["request"], asked);
}

void RequestRecord::check(const Request& asked) const {
  const json record = record_of(file_, results_);
  if (!is_record(record)) {
    fail(ErrorCode::kBadData,
         "{}: expected the record of a run of `retinaface detect`, found something else; begin "
         "without {}",
         printable(file_), name_("resume"));
  }
  if (const auto difference = first_difference(record["request"], asked)) {
    fail(ErrorCode::kInvalidArgument,
         "{}: was begun {}, and {resume} cannot go on {}; ask for the same, or begin "
         "without {resume}",
         printable(results_), described(difference->option, excerpt(difference->before), name_),
         described(difference->option, excerpt(difference->now), name_),
         fmt::arg("resume", name_("resume")));
  }
  if (is_mixed(record)) {
    fail(ErrorCode::kInvalidArgument,
         "{0}: holds results of runs with different options, and {1} cannot go on with them; "
         "give all images without {1}, or choose another folder",
         printable(results_), name_("resume"));
  }
}

void RequestRecord::write_ahead(const Request& asked) const {
  json record = record_for(asked);
  try {
    json earlier = record_of(file_, results_);
    if (!is_record(earlier)) earlier = json::object();
    record[kEarlier] = {{kChecksum, digits_of(hash_of_file(results_))},
                        {kRecord, std::move(earlier)}};
  } catch (const Error&) {
    // Results that cannot be read are not gone on with: nobody asks whose they are.
  }
  write_json_report(file_, record);
}

void RequestRecord::write(const Request& asked, bool is_mixed) const {
  json record = record_for(asked);
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

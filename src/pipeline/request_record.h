#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/option_spelling.h"

namespace retinaface::pipeline {

/// What a run was asked for, as far as its results depend on it: options and their values, kFlag
/// for an option that has none; an empty value stands for an option that was not said.
using Request = std::vector<std::pair<std::string, std::string>>;
inline constexpr const char* kFlag = "yes";

/// What stands beside results so that a later run knows what they are: a JSON object
/// {"origin", "request": {OPTION: VALUE}}, with options as the command line spells them, and
/// "is_mixed": true where some of the results are not of that request. While results take the place
/// of others it has the record of the others as well, "earlier": {"checksum", "record"}, which is
/// the true one as long as the results have that checksum: so a run may be killed at any moment.
class RequestRecord {
 public:
  /// `file` is the record's own path, `results` that of the file or folder that it is about; `name`
  /// spells options in messages.
  RequestRecord(std::filesystem::path file, std::filesystem::path results,
                const OptionSpelling& name = {})
      : file_(std::move(file)), results_(std::move(results)), name_(name) {}

  const std::filesystem::path& file() const { return file_; }

  /// Whether it says of what request the results are; those of older versions have no record.
  bool exists() const;

  /// Whether all of the results are of that request; false too where there is no record.
  bool is_of(const Request& asked) const;

  /// Throws Error: kInvalidArgument, which names the results, the first option that differs, both
  /// values and the remedy, or that the results are mixed; kBadData for a file that is no record.
  void check(const Request& asked) const;

  /// Before the file of earlier results is replaced by one of this request; write() follows.
  /// Throws Error(kUnwritable).
  void write_ahead(const Request& asked) const;

  /// `is_mixed`: others than these results stand there, too. Throws Error(kUnwritable).
  void write(const Request& asked, bool is_mixed = false) const;

 private:
  std::filesystem::path file_;
  std::filesystem::path results_;
  OptionSpelling name_;
};

/// Where the record of a file of results stands: beside the file itself, also where `results` is a
/// link; empty where it is a device or a pipe, which cannot be gone on with.
std::filesystem::path record_beside(const std::filesystem::path& results);

}  // namespace retinaface::pipeline

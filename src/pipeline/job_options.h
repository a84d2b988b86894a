#pragma once

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pipeline/detection_job.h"

namespace retinaface::pipeline {

/// An option of a DetectionJob that every front door has under one name: `--min-score 0.5` on the
/// command line, `min-score=0.5` in a request.
struct JobOption {
  /// What it is kept in; its type says what values there are. A list of numbers may be "auto", the
  /// empty list.
  using Field = std::variant<bool*, int*, float*, std::vector<float>*>;

  std::string_view name;
  const char* help;
  Field (*field)(DetectionJob& job);
  double min = 0;  ///< of the value, or of each of a list
  double max = std::numeric_limits<double>::infinity();
  bool may_be_zero = false;           ///< also where `min` is more
  bool has_default = true;            ///< a default that says something to people
  std::span<const int> choices = {};  ///< all values that a whole number may have; empty: a range
  /// Whether what results were made with (request_of) names it where it has its default, too: one
  /// that a later version may choose otherwise.
  bool is_always_recorded = false;
};

/// All of them, in the order in which they are listed to people.
std::span<const JobOption> job_options();

/// The one of that name, null if there is none.
const JobOption* find_job_option(std::string_view name);

/// The name of the option that other programs call `name`: "min-score" of "threshold"; empty if
/// none.
std::string_view own_name_of(std::string_view name);

/// Sets the option to what the text says; of a flag, "" and "true" are yes, "false" is no. Returns
/// what is wrong with the text, "expected a number from 0 to 1, found 'x'", and sets nothing then;
/// empty if all is well.
std::string set_option(const JobOption& option, const std::string& text, DetectionJob& job);

/// The same of a flag by itself.
std::string set_flag(const std::string& text, bool& value);

/// Its value as set_option takes it.
std::string option_text(const JobOption& option, const DetectionJob& job);

/// "auto" for none, else "0.5,1,2".
std::string scales_text(const std::vector<float>& scales);

}  // namespace retinaface::pipeline

#include "server/asked.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.h"
#include "base/file.h"
#include "base/number_text.h"
#include "pipeline/job_check.h"
#include "pipeline/job_options.h"
#include "server/header_value.h"
#include "server/problem.h"

namespace retinaface::server {
namespace {

/// The type of the answer.
std::string_view answer_type(const Request& request, const Endpoint& endpoint) {
  const auto chosen = choose_media_type(request.accept, endpoint.types);
  if (!chosen) {
    throw Problem(406, "not_acceptable",
                  fmt::format("Accept: expected one of {}, found '{}'",
                              fmt::join(endpoint.types, ", "), excerpt(request.accept)));
  }
  return endpoint.types[*chosen];
}

/// Returns what is wrong with the text, if anything is.
std::string set_option(std::string_view name, const std::string& text, Asked& asked) {
  if (name == kEmbedOption) return pipeline::set_flag(text, asked.embeds);
  if (name != kFaceOption) {
    return pipeline::set_option(*pipeline::find_job_option(name), text, asked.job);
  }
  constexpr std::int64_t kMaxFace = 1'000'000;
  std::string fault = whole_number_fault(text, 0, kMaxFace);
  if (fault.empty()) asked.face = static_cast<std::size_t>(std::stoul(text));
  return fault;
}

/// `name` is what was given, written as options are.
[[noreturn]] void fail_as_unknown(const std::string& given, const std::string& name,
                                  const Endpoint& endpoint) {
  const std::string_view own = pipeline::own_name_of(name);
  const bool is_taken = std::ranges::find(endpoint.options, own) != endpoint.options.end();
  fail(ErrorCode::kInvalidArgument, "query: there is no option '{}'{}; expected {}", excerpt(given),
       is_taken ? fmt::format(": use {}=X", own) : "",
       endpoint.options.empty() ? "none" : fmt::format("{}", fmt::join(endpoint.options, ", ")));
}

}  // namespace

Asked asked_of(const Request& request, const Endpoint& endpoint) {
  Asked asked;
  std::vector<std::string> seen;
  for (const auto& [given, value] : request.query) {
    std::string name = given;
    std::ranges::replace(name, '_', '-');  // min_score, as programs call it
    if (std::ranges::find(endpoint.options, name) == endpoint.options.end()) {
      fail_as_unknown(given, name, endpoint);
    }
    if (std::ranges::find(seen, name) != seen.end()) {
      fail(ErrorCode::kInvalidArgument, "{}: expected it once, found it twice", given);
    }
    seen.push_back(name);
    const std::string fault = set_option(name, value, asked);
    if (!fault.empty()) fail(ErrorCode::kInvalidArgument, "{}: {}", given, fault);
  }
  asked.type = answer_type(request, endpoint);
  if (asked.describes() && asked.type != kJson) {
    fail(ErrorCode::kInvalidArgument,
         "mesh, landmarks=68, face-quality and embed: go with an answer of {}, found {}; ask for "
         "it by Accept",
         kJson, asked.type);
  }
  asked.job.spelling = {.before_value = "=", .taken = endpoint.options};
  const std::string fault = pipeline::faces_fault(asked.job);
  if (!fault.empty()) fail(ErrorCode::kInvalidArgument, "{}", fault);
  return asked;
}

}  // namespace retinaface::server

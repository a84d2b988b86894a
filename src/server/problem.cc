#include "server/problem.h"

#include <nlohmann/json.hpp>

namespace retinaface::server {

Problem problem_of(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kInvalidArgument:
      return {400, "invalid_argument", error.what()};
    case ErrorCode::kBadData:
      return {422, "bad_data", error.what()};
    case ErrorCode::kUnsupported:
      return {415, "unsupported", error.what()};
    case ErrorCode::kTooLarge:
      return {413, "too_large", error.what()};
    case ErrorCode::kNotFound:
    case ErrorCode::kUnreadable:
    case ErrorCode::kUnwritable:
      break;  // no request names a file
  }
  return {500, "internal", error.what()};
}

std::string error_object(const Problem& problem) {
  const nlohmann::ordered_json object = {{"code", problem.code()}, {"message", problem.what()}};
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Response response_of(const Problem& problem) {
  return {problem.status(), "application/json", "{\"error\":" + error_object(problem) + "}\n",
          problem.headers()};
}

Problem overloaded(const std::string& message, int retry_after_s) {
  return {503, "overloaded", message, {{"Retry-After", std::to_string(retry_after_s)}}};
}

}  // namespace retinaface::server

#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "retinaface/error.h"

#include "server/message.h"

namespace retinaface::server {

/// Why a request gets no result: a status of HTTP, a word for programs and one line for people.
class Problem : public std::runtime_error {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  Problem(int status, std::string code, const std::string& message, Headers headers = {})
      : std::runtime_error(message),
        status_(status),
        code_(std::move(code)),
        headers_(std::move(headers)) {}

  int status() const { return status_; }
  const std::string& code() const { return code_; }
  const Headers& headers() const { return headers_; }

 private:
  int status_;
  std::string code_;
  Headers headers_;
};

/// An error of the library's as the answer to a request whose input caused it.
Problem problem_of(const Error& error);

/// {"code": CODE, "message": LINE}
std::string error_object(const Problem& problem);

/// {"error": {"code": CODE, "message": LINE}}
Response response_of(const Problem& problem);

/// The server is at its limit; to be tried again after so many seconds.
Problem overloaded(const std::string& message, int retry_after_s);

}  // namespace retinaface::server

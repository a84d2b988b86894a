#pragma once

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "server/message.h"
#include "server/problem.h"

namespace retinaface::server {

/// What a head says; nothing where its target cannot be read.
std::optional<Request> request_of(const boost::beast::http::request_header<>& head);

constexpr std::uint32_t kMaxHeaderBytes = 8192;

/// What a request that could not be read is answered, for bodies of `max_body` bytes; nothing if
/// its client has gone.
std::optional<Problem> reading_problem(const boost::system::error_code& error,
                                       std::uint64_t max_body);

/// The time now, as headers have it: "Fri, 27 Nov 2026 12:00:00 GMT".
std::string http_date();

}  // namespace retinaface::server

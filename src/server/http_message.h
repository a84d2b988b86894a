#pragma once

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <optional>

#include "server/message.h"

namespace retinaface::server {

/// What a head says; nothing where its target cannot be read.
std::optional<Request> request_of(const boost::beast::http::request_header<>& head);

}  // namespace retinaface::server

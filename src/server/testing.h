#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/detector.h"
#include "retinaface/image.h"

#include "base/text.h"
#include "image/codecs/write_options.h"
#include "server/service.h"
#include "server/target.h"
#include "support/content_of.h"
#include "support/testing.h"

namespace retinaface::server::testing {

inline constexpr int kSampleFaces = 1;

inline std::string sample() {
  return retinaface::testing::content_of(retinaface::testing::sample_folder() / "hopper.jpg");
}

inline std::string encoded(const ImageView& image, const std::string& name) {
  const std::vector<std::byte> bytes = encode_image(name, image);
  return std::string(text_of(bytes));
}

inline Image decoded(const std::string& body) {
  return decode_image(bytes_of(body.data(), body.size()));
}

class ServiceTest : public ::testing::Test {
 protected:
  /// As the HTTP layer does it: the head first, then the whole.
  static Response ask(Service& service, const Request& request) {
    Request head = request;
    head.body.clear();
    std::optional<Response> early = service.answer_head(head);
    Response response = early ? std::move(*early) : service.handle(request);
    service.complete(request, response);
    return response;
  }
  Response ask(const Request& request) { return ask(service_, request); }

  static Request get(const std::string& target) {
    const auto parsed = parse_target(target);
    Request request;
    request.method = "GET";
    request.path = parsed->path;
    request.query = parsed->query;
    return request;
  }
  static Request post(const std::string& target, std::string body, const std::string& accept = "") {
    Request request = get(target);
    request.method = "POST";
    request.accept = accept;
    request.body = std::move(body);
    return request;
  }
  static Request form(const std::string& target,
                      const std::vector<std::pair<std::string, std::string>>& images) {
    std::string body;
    for (const auto& [name, bytes] : images) {
      body += fmt::format(
          "--xyz\r\nContent-Disposition: form-data; name=\"image\"; filename=\"{}\"\r\n\r\n", name);
      body += bytes + "\r\n";
    }
    Request request = post(target, body + "--xyz--\r\n");
    request.content_type = "multipart/form-data; boundary=xyz";
    return request;
  }

  /// The answer is an error of this status and code, of one line with this text.
  void expect_error(const Response& response, int status, const std::string& code,
                    const std::string& text) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(response.content_type, "application/json");
    const nlohmann::json body = nlohmann::json::parse(response.body);
    EXPECT_EQ(body.size(), 1U);
    EXPECT_EQ(body["error"]["code"], code);
    const std::string message = body["error"]["message"];
    EXPECT_THAT(message, ::testing::HasSubstr(text));
    EXPECT_THAT(message, ::testing::Not(::testing::HasSubstr("\n")));
    EXPECT_LT(message.size(), 500U);
  }

  const Detector detector_;
  Service service_{detector_, {.model = "mnet025"}};
};

}  // namespace retinaface::server::testing

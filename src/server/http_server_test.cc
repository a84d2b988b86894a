// The server over the loopback network: what clients do wrong or by malice has one clear answer
// each, and the others are served beside it.

#include "server/http_server.h"

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/content_of.h"
#include "support/http_client.h"
#include "support/testing.h"

namespace retinaface::server {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::http_ask;
using testing::http_request;
using testing::HttpAnswer;
using testing::HttpConnection;

std::string sample() {
  return testing::content_of(testing::sample_folder() / "hopper.jpg");
}

/// A server that runs on a thread of its own.
class Running {
 public:
  explicit Running(HttpOptions options, const ServiceOptions& service = {})
      : service_({}, service) {
    options.port = 0;
    server_ = std::make_unique<HttpServer>(service_, options);
    port_ = testing::port_of(server_->url());
    thread_ = std::jthread([this] { server_->run(); });
  }
  ~Running() { stop(); }

  /// Until it has ended.
  void stop() {
    server_->stop();
    if (thread_.joinable()) thread_.join();
  }
  void stop_soon() { server_->stop(); }

  std::uint16_t port() const { return port_; }
  Metrics& metrics() { return service_.metrics(); }
  HttpAnswer ask(const std::string& request) const { return http_ask(port_, request); }

  /// Nothing is left of what clients have done.
  void expect_idle() {
    for (int i = 0; i < 2000 && (metrics().held_bytes > 0 || metrics().connections > 0); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_EQ(metrics().held_bytes, 0U);
    EXPECT_EQ(metrics().connections, 0U);
  }

 private:
  Service service_;
  std::unique_ptr<HttpServer> server_;
  std::uint16_t port_ = 0;
  std::jthread thread_;
};

constexpr double kShortTime = 0.5;

HttpOptions small() {
  return {.max_body = 200000, .timeout_s = kShortTime, .queue = 4, .threads = 1};
}

HttpOptions patient() {
  return {.max_body = 200000, .timeout_s = 10, .queue = 4, .threads = 1};
}

void expect_error(const HttpAnswer& answer, int status, const std::string& code,
                  const std::string& text = "") {
  EXPECT_EQ(answer.status, status) << answer.body;
  if (answer.status != status) return;
  const json body = json::parse(answer.body);
  EXPECT_EQ(body["error"]["code"], code);
  EXPECT_THAT(std::string(body["error"]["message"]), HasSubstr(text));
}

std::size_t faces_in(const HttpAnswer& answer) {
  EXPECT_EQ(answer.status, 200) << answer.body;
  return answer.status == 200 ? json::parse(answer.body)["faces"].size() : 0;
}

TEST(HttpServerThreads, AnImageIsAnswered) {
  Running server(patient());
  const HttpAnswer answer = server.ask(http_request("POST", "/v1/detect", sample()));
  EXPECT_EQ(faces_in(answer), 1U);
  EXPECT_EQ(answer.headers.at("content-type"), "application/json");
  EXPECT_EQ(answer.headers.at("x-content-type-options"), "nosniff");
  EXPECT_THAT(answer.headers.at("date"), HasSubstr(" GMT"));
  server.expect_idle();
}

TEST(HttpServerThreads, AConnectionTakesManyRequestsAlsoInOnePiece) {
  Running server(patient());
  HttpConnection connection(server.port());
  const std::string one = http_request("POST", "/v1/detect", sample());
  const std::string health = http_request("GET", "/healthz");
  connection.send(one + health + health + one);
  EXPECT_EQ(faces_in(connection.receive()), 1U);
  EXPECT_EQ(connection.receive().body, "ok\n");
  EXPECT_EQ(connection.receive().body, "ok\n");
  EXPECT_EQ(faces_in(connection.receive()), 1U);
  connection.send(http_request("HEAD", "/healthz"));
  const HttpAnswer head = connection.receive(false);
  EXPECT_EQ(head.headers.at("content-length"), "3");
  connection.send(http_request("GET", "/healthz", "", "Connection: close\r\n"));
  EXPECT_EQ(connection.receive().headers.at("connection"), "close");
  EXPECT_TRUE(connection.is_closed_by_server());
}

TEST(HttpServerThreads, OlderClientsAndHalfClosedOnesAreAnswered) {
  Running server(patient());
  const std::string body = sample();
  HttpConnection old(server.port());
  old.send("POST /v1/detect HTTP/1.0\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body);
  old.half_close();
  EXPECT_EQ(faces_in(old.receive()), 1U);
  EXPECT_TRUE(old.is_closed_by_server());
}

TEST(HttpServerThreads, ChunkedBodiesAreTaken) {
  Running server(patient());
  const std::string body = sample();
  std::string request = "POST /v1/detect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (std::size_t at = 0; at < body.size(); at += 1000) {
    const std::string piece = body.substr(at, 1000);
    request += fmt::format("{:x};x=y\r\n", piece.size()) + piece + "\r\n";
  }
  EXPECT_EQ(faces_in(server.ask(request + "0\r\nTrailer: x\r\n\r\n")), 1U);
}

TEST(HttpServerThreads, AClientMayWaitForContinue) {
  Running server(patient());
  const std::string body = sample();
  const std::string length = "Content-Length: " + std::to_string(body.size()) + "\r\n";
  HttpConnection connection(server.port());
  connection.send("POST /v1/detect HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n" + length +
                  "\r\n");
  EXPECT_EQ(connection.receive().status, 100);
  connection.send(body);
  EXPECT_EQ(faces_in(connection.receive()), 1U);
  // What is refused is refused at once.
  connection.send("POST /v1/detect?x=y HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n" + length +
                  "\r\n");
  expect_error(connection.receive(), 400, "invalid_argument");
  expect_error(server.ask("GET / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n"), 417,
               "expectation_failed");
}

TEST(HttpServerThreads, ALargeBodyIsRefusedBeforeItComes) {
  Running server(patient());
  expect_error(server.ask("POST /v1/detect HTTP/1.1\r\nHost: a\r\nContent-Length: 200001\r\n\r\n"),
               413, "too_large", "at most 200000 bytes");
  expect_error(
      server.ask("POST /v1/detect HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615"
                 "\r\n\r\n"),
      413, "too_large");
  server.expect_idle();
}

TEST(HttpServerThreads, AnEndlessBodyEnds) {
  Running server(patient());
  HttpConnection connection(server.port());
  connection.send("POST /v1/detect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string piece = "1000\r\n" + std::string(0x1000, 'x') + "\r\n";
  for (int i = 0; i < 60; ++i) connection.send(piece);
  expect_error(connection.receive(), 413, "too_large");
  // It is read no further than for the answer to arrive.
  int sent = 0;
  while (sent < 100000 && connection.send(piece)) ++sent;
  EXPECT_LT(sent, 100000);
  server.expect_idle();
}

TEST(HttpServerThreads, OthersAreServedBesideSlowSenders) {
  Running server(patient());
  {
    HttpConnection slow_head(server.port());
    HttpConnection slow_body(server.port());
    const HttpConnection silent(server.port());
    slow_head.send("POST /v1/detect HTTP/1.1\r\nHost:");
    slow_body.send("POST /v1/detect HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    EXPECT_EQ(server.ask(http_request("GET", "/healthz")).status, 200);
  }
  server.expect_idle();
}

TEST(HttpServerThreads, SlowSendersAreToldThatTheirTimeIsUp) {
  Running server(small());
  HttpConnection slow_head(server.port());
  HttpConnection slow_body(server.port());
  HttpConnection silent(server.port());
  slow_head.send("POST /v1/detect HTTP/1.1\r\nHost:");
  slow_body.send("POST /v1/detect HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
  const auto begun = std::chrono::steady_clock::now();
  // A byte now and then does not help.
  while (std::chrono::steady_clock::now() - begun < std::chrono::seconds(5)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (!slow_body.send("x")) break;
    if (server.metrics().connections == 0) break;
  }
  expect_error(slow_head.receive(), 408, "timeout", "within 0.5 s");
  expect_error(slow_body.receive(), 408, "timeout");
  EXPECT_TRUE(silent.is_closed_by_server());
  server.expect_idle();
}

TEST(HttpServerThreads, WhoDoesNotReadItsAnswersIsLeft) {
  Running server(small());
  HttpConnection connection(server.port(), 4096);
  std::string requests;
  for (int i = 0; i < 400; ++i) requests += http_request("GET", "/openapi.json");
  connection.send(requests);
  while (server.metrics().connections == 0) {  // the test's time limit ends it else
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  server.expect_idle();
}

TEST(HttpServerThreads, WhatIsNoRequestIsSaid) {
  Running server(patient());
  for (const char* text :
       {"\r\n\r\n\r\n", "hello\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/3.7\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "GET / HTTP/1.1\r\n: a\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n",
        "POST /v1/detect HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST /v1/detect HTTP/1.1\r\nHost: a\r\nContent-Length: 1x\r\n\r\n",
        "POST /v1/detect HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        ("POST /v1/detect HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked"
         "\r\n\r\n0\r\n\r\n"),
        "POST /v1/detect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "\x16\x03\x01\x02\x01\x01\xfc\x03\x03\r\n\r\n"}) {
    expect_error(server.ask(text), 400, "bad_request");
  }
  server.expect_idle();
}

/// Whose body nobody can find the end of: what follows must not be taken for the next request.
TEST(HttpServerThreads, OtherTransferCodingsThanChunkedAreRefused) {
  Running server(patient());
  for (const char* coding : {"gzip", "gzip, chunked", "identity", "chunked, gzip"}) {
    HttpConnection connection(server.port());
    connection.send(
        fmt::format("POST /v1/detect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {}\r\n\r\n{}",
                    coding, http_request("GET", "/healthz")));
    expect_error(connection.receive(), 501, "not_implemented");
    EXPECT_TRUE(connection.is_closed_by_server()) << coding;
  }
  server.expect_idle();
}

TEST(HttpServerThreads, AHugeHeadIsRefused) {
  Running server(patient());
  expect_error(server.ask("GET / HTTP/1.1\r\nX: " + std::string(100000, 'x')), 431,
               "header_too_large");
  expect_error(server.ask("GET /" + std::string(100000, 'x')), 431, "header_too_large");
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 5000; ++i) many += fmt::format("X{}: y\r\n", i);
  expect_error(server.ask(many + "\r\n"), 431, "header_too_large");
  server.expect_idle();
}

TEST(HttpServerThreads, AShorterBodyThanStatedHarmsNobody) {
  Running server(patient());
  for (int i = 0; i < 20; ++i) {
    HttpConnection connection(server.port());
    connection.send(http_request("POST", "/v1/detect", sample()).substr(0, 5000));
    if (i % 2 == 0) connection.reset();
  }
  server.expect_idle();
  EXPECT_EQ(faces_in(server.ask(http_request("POST", "/v1/detect", sample()))), 1U);
}

TEST(HttpServerThreads, WhoEndsTooEarlyIsToldAsLongAsItReads) {
  Running server(patient());
  const std::string whole = http_request("POST", "/v1/detect", sample());
  for (const std::size_t size : {whole.size() - 1, std::size_t{20}}) {  // in the body, in the head
    HttpConnection connection(server.port());
    connection.send(whole.substr(0, size));
    connection.half_close();
    const HttpAnswer answer = connection.receive();
    expect_error(answer, 400, "bad_request");
    EXPECT_THAT(answer.body, HasSubstr("ended before"));
    EXPECT_TRUE(connection.is_closed_by_server());
  }
  HttpConnection silent(server.port());
  silent.half_close();
  EXPECT_EQ(silent.receive().status, 0);
}

TEST(HttpServerThreads, ALongerBodyThanStatedIsTheNextRequest) {
  Running server(patient());
  HttpConnection connection(server.port());
  connection.send(http_request("POST", "/v1/detect", "abc") + "garbage\r\n\r\n");
  expect_error(connection.receive(), 415, "unsupported");
  expect_error(connection.receive(), 400, "bad_request");
}

/// One worker, no place to wait: of many at once some are refused, and all are answered.
TEST(HttpServerThreads, AFullQueueIsSaidWithWhenToComeAgain) {
  HttpOptions options = patient();
  options.queue = 1;
  Running server(options);
  std::vector<std::unique_ptr<HttpConnection>> clients;
  const std::string request = http_request("POST", "/v1/detect?scales=2", sample());
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<HttpConnection>(server.port()));
    clients.back()->send(request);
  }
  int served = 0;
  int refused = 0;
  for (const auto& client : clients) {
    const HttpAnswer answer = client->receive();
    if (answer.status == 200) {
      EXPECT_EQ(faces_in(answer), 1U);
      ++served;
    } else {
      expect_error(answer, 503, "overloaded", "1 requests are waiting");
      EXPECT_GE(std::stoi(answer.headers.at("retry-after")), 1);
      ++refused;
    }
  }
  EXPECT_EQ(served + refused, 20);
  EXPECT_GE(served, 1);
  EXPECT_GE(refused, 1);
  EXPECT_EQ(server.ask(http_request("GET", "/healthz")).status, 200);
}

TEST(HttpServerThreads, BodiesInMemoryAreBounded) {
  HttpOptions options = patient();
  options.queue = 100;
  Running server(options);
  // Each has sent all but the end of the largest body there may be.
  const std::string most = http_request("POST", "/v1/detect", std::string(200000, 'x'));
  std::vector<std::unique_ptr<HttpConnection>> clients;
  for (int i = 0; i < 30; ++i) {
    clients.push_back(std::make_unique<HttpConnection>(server.port()));
    clients.back()->send(std::string_view(most).substr(0, most.size() - 1));
  }
  int refused = 0;
  for (const auto& client : clients) {
    client->send("x");
    const HttpAnswer answer = client->receive();
    if (answer.status == 415) continue;
    expect_error(answer, 503, "overloaded", "in memory");
    ++refused;
  }
  EXPECT_GE(refused, 10);
  EXPECT_LE(server.metrics().held_bytes, 9U * 200000);
  clients.clear();
  server.expect_idle();
}

TEST(HttpServerThreads, ClientsThatVanishWhileTheyWaitHarmNobody) {
  Running server(patient());
  for (int i = 0; i < 30; ++i) {
    HttpConnection connection(server.port());
    connection.send(http_request("POST", "/v1/detect", sample()));
    if (i % 3 != 0) connection.reset();
  }
  // What they have left in the queue is done first.
  const std::string request = http_request("POST", "/v1/detect", sample());
  HttpAnswer answer = server.ask(request);
  for (int i = 0; i < 500 && answer.status == 503; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    answer = server.ask(request);
  }
  EXPECT_EQ(faces_in(answer), 1U);
  server.expect_idle();
}

TEST(HttpServerThreads, AnswersAreNotMixedUp) {
  HttpOptions options = patient();
  options.threads = 2;
  options.queue = 64;
  Running server(options);
  const std::string body = sample();
  std::vector<std::jthread> clients;
  for (int client = 0; client < 8; ++client) {
    clients.emplace_back([&, client] {
      HttpConnection connection(server.port());
      for (int i = 0; i < 5; ++i) {
        // Each has its own name, and every second one is no image.
        const std::string name = fmt::format("{}-{}", client, i);
        const std::string content = (client + i) % 2 == 0 ? body : "x";
        const std::string form =
            "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"" + name +
            "\"\r\n\r\n" + content + "\r\n--b--\r\n";
        connection.send(http_request("POST", "/v1/detect", form,
                                     "Content-Type: multipart/form-data; boundary=b\r\n"));
        const HttpAnswer answer = connection.receive();
        if (content == body) {
          EXPECT_EQ(json::parse(answer.body)["image"], name);
        } else {
          expect_error(answer, 415, "unsupported", name + ": ");
        }
      }
    });
  }
}

TEST(HttpServerThreads, AnEndFinishesWhatIsInHand) {
  HttpOptions options = patient();
  options.queue = 16;
  Running server(options);
  HttpConnection idle(server.port());
  HttpConnection half(server.port());
  const std::string request = http_request("POST", "/v1/detect", sample());
  half.send(std::string_view(request).substr(0, 1000));
  std::vector<std::unique_ptr<HttpConnection>> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(std::make_unique<HttpConnection>(server.port()));
    clients.back()->send(request);
  }
  // What has arrived counts, also where the server has not looked at it yet.
  while (server.metrics().connections < 8) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  server.stop_soon();
  EXPECT_TRUE(idle.is_closed_by_server());
  half.send(std::string_view(request).substr(1000));
  EXPECT_EQ(faces_in(half.receive()), 1U);
  for (const auto& client : clients) EXPECT_EQ(faces_in(client->receive()), 1U);
  server.stop();
  EXPECT_THROW(HttpConnection(server.port()), std::runtime_error);
}

TEST(HttpServerThreads, OneThatNeverServedEndsToo) {
  Running server(patient());
  server.stop();
}

TEST(HttpServer, SaysWhereItCannotListen) {
  Service service({}, {});
  const auto code = [&](const HttpOptions& options) {
    return testing::error_of([&] { HttpServer server(service, options); }).code();
  };
  EXPECT_EQ(code({.address = "localhost"}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.address = "203.0.113.1", .port = 0}), ErrorCode::kUnreadable);
  const HttpServer first(service, {.port = 0});
  EXPECT_EQ(code({.port = testing::port_of(first.url())}), ErrorCode::kUnreadable);
}

/// Whether the machine has the loopback address of IPv6.
bool has_ipv6() {
  const int socket = ::socket(AF_INET6, SOCK_STREAM, 0);
  if (socket < 0) return false;
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  const bool is_bound =
      ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(socket);
  return is_bound;
}

TEST(HttpServer, ListensOnIpv6) {
  if (!has_ipv6()) GTEST_SKIP() << "no IPv6 here: ::1 cannot be bound to";
  Service service({}, {});
  const HttpServer sixth(service, {.address = "::1", .port = 0});
  EXPECT_THAT(sixth.url(), ::testing::StartsWith("http://[::1]:"));
}

}  // namespace
}  // namespace retinaface::server

// `retinaface serve` under more clients than it can serve, some of which vanish or send nonsense:
// no answer is lost or another one's, and memory stays what it was. As long as
// $RETINAFACE_SOAK_SECONDS says, 60 without it.

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/content_of.h"
#include "support/http_client.h"
#include "support/serving.h"
#include "support/testing.h"

namespace retinaface {
namespace {

using nlohmann::json;
using testing::http_ask;
using testing::http_request;
using testing::HttpAnswer;
using testing::HttpConnection;
using testing::Serving;
using Clock = std::chrono::steady_clock;

/// One sample of the service's metrics, all its labels added up.
double metric(std::uint16_t port, const std::string& name) {
  double sum = 0;
  for (const std::string& line :
       testing::lines_of(http_ask(port, http_request("GET", "/metrics")).body)) {
    const bool is_it = line.starts_with(name + " ") || line.starts_with(name + "{");
    if (is_it) sum += std::stod(line.substr(line.rfind(' ') + 1));
  }
  return sum;
}

/// Answers that did not come, or are another one's.
class Lost {
 public:
  void add(unsigned kind, const HttpAnswer& answer, Clock::time_point asked) {
    constexpr std::size_t kMaxShown = 10;
    const std::chrono::duration<double> waited = Clock::now() - asked;
    const std::lock_guard lock(mutex_);
    ++count_;
    if (count_ > kMaxShown) return;
    shown_ += fmt::format("kind {}: status {} after {:.1f} s: {}\n", kind, answer.status,
                          waited.count(), excerpt(answer.body));
  }
  std::size_t count() const { return count_; }
  const std::string& shown() const { return shown_; }

 private:
  std::mutex mutex_;
  std::size_t count_ = 0;
  std::string shown_;
};

struct Counts {
  std::atomic<std::size_t> found = 0;    ///< answers with the faces that there are
  std::atomic<std::size_t> refused = 0;  ///< 503 with Retry-After
  std::atomic<std::size_t> wrong = 0;    ///< requests that are answered by an error, rightly
  std::atomic<std::size_t> killed = 0;   ///< clients that went without their answer
  Lost lost;
};

/// What one client does until it is asked to stop.
void act(std::uint16_t port, unsigned seed, const std::atomic<bool>& stop, Counts& counts) {
  std::mt19937 random(seed);
  const std::string small = testing::content_of(testing::fixture_folder() / "images" / "plain.ppm");
  const std::string face = testing::content_of(testing::sample_folder() / "hopper.jpg");
  auto connection = std::make_unique<HttpConnection>(port);
  while (!stop) {
    const auto kind = static_cast<unsigned>(random() % 20);
    const bool has_face = kind % 10 == 0;
    std::string request = http_request("POST", "/v1/detect", has_face ? face : small);
    if (kind == 1) request = http_request("POST", "/v1/detect?min-score=x", small);
    if (kind == 2) request = http_request("POST", "/v1/detect", "no image");
    if (kind == 3 || kind == 4) {
      const std::size_t part = kind == 3 ? request.size() : random() % request.size();
      connection->send(std::string_view(request).substr(0, part));
      if (random() % 2 == 0) connection->reset();
      connection = std::make_unique<HttpConnection>(port);
      ++counts.killed;
      continue;
    }
    const Clock::time_point asked = Clock::now();
    connection->send(request);
    const HttpAnswer answer = connection->receive();
    const bool is_refused = answer.status == 503 && answer.headers.contains("retry-after");
    if (is_refused) {
      ++counts.refused;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    } else if (kind == 1 || kind == 2) {
      const bool is_good = answer.status == (kind == 1 ? 400 : 415);
      is_good ? void(++counts.wrong) : counts.lost.add(kind, answer, asked);
    } else {
      const bool is_good =
          answer.status == 200 && json::parse(answer.body)["faces"].size() == (has_face ? 1U : 0U);
      is_good ? void(++counts.found) : counts.lost.add(kind, answer, asked);
    }
    const auto kept = answer.headers.find("connection");
    if (answer.status == 0 || (kept != answer.headers.end() && kept->second == "close")) {
      connection = std::make_unique<HttpConnection>(port);
    }
  }
}

TEST(ServeSoak, MemoryStaysAndNoAnswerIsLost) {
  const char* const given = std::getenv("RETINAFACE_SOAK_SECONDS");
  const std::chrono::seconds time(given == nullptr ? 60 : std::atoi(given));
  constexpr unsigned kQueue = 8;
  Serving serving(RETINAFACE_PROGRAM,
                  {"--queue", std::to_string(kQueue), "--timeout", "5", "--threads", "2"});
  const std::uint16_t port = serving.port();
  Counts counts;
  std::atomic<bool> stop = false;
  std::vector<std::jthread> clients;
  // Ten times what it can hold.
  for (unsigned i = 0; i < 10 * (kQueue + 2); ++i) {
    clients.emplace_back([&, i] { act(port, i, stop, counts); });
  }
  std::this_thread::sleep_for(time / 4);
  const double early = metric(port, "process_resident_memory_bytes");
  std::this_thread::sleep_for(time - time / 4);
  const double late = metric(port, "process_resident_memory_bytes");
  stop = true;
  clients.clear();
  constexpr double kMb = 1 << 20;
  fmt::print(
      "{} s: {:.0f} answers; {} found, {} refused (503), {} wrong requests, {} clients gone, {} "
      "lost; resident {:.1f} MB after a quarter, {:.1f} MB at the end\n",
      time.count(), metric(port, "retinaface_requests_total"), counts.found.load(),
      counts.refused.load(), counts.wrong.load(), counts.killed.load(), counts.lost.count(),
      early / kMb, late / kMb);
  EXPECT_EQ(counts.lost.count(), 0U) << counts.lost.shown();
  EXPECT_GT(counts.found, 0U);
  EXPECT_GT(counts.refused, 0U);
  EXPECT_LT(late, early + 8 * kMb);
  serving.signal();
  EXPECT_EQ(serving.wait(), 0);
}

}  // namespace
}  // namespace retinaface

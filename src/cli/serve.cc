#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

#include "retinaface/detector.h"

#include "base/check.h"
#include "base/file.h"
#include "cli/backend_option.h"
#include "cli/command.h"
#include "cli/option_spelling.h"
#include "cli/tell.h"
#include "cli/threads_option.h"
#include "cli/type_option.h"
#include "cli/values.h"
#include "models/catalogue.h"
#include "pipeline/inputs.h"
#include "server/http_server.h"
#include "server/service.h"

namespace retinaface::cli {
namespace {

struct Options {
  server::HttpOptions http;
  server::ServiceOptions service{.model = std::string(models::kDefaultModel)};
  std::string backend;
  std::string type;
  std::string api_key_file;
  std::string recognizer;
  bool verbose = false;
};

/// Keys are words of visible ASCII, as headers can carry them.
std::vector<std::string> read_keys(const std::string& file) {
  std::vector<std::string> keys = pipeline::read_list(file, '\n', kOptionSpelling);
  for (const std::string& key : keys) {
    for (const char c : key) {
      if (c > ' ' && c < '\x7F') continue;
      fail(ErrorCode::kBadData,
           "{}: expected keys of visible ASCII characters without blanks, one a line",
           printable(file));
    }
  }
  // A file without a key would mean a service that anybody may use.
  if (keys.empty()) {
    fail(ErrorCode::kBadData, "{}: expected a key a line, found none", printable(file));
  }
  return keys;
}

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

int run(Options& options) {
  if (!options.api_key_file.empty()) options.service.api_keys = read_keys(options.api_key_file);
  if (!options.recognizer.empty()) options.service.recognizer.emplace(options.recognizer);
  server::Service service(open_detector(options.service.model, options.backend, options.type),
                          options.service);
  server::HttpServer::Log log;
  if (options.verbose) log = [](const std::string& line) { tell("{}\n", line); };
  server::HttpServer http(service, options.http, std::move(log));
  http.stop_on_signals();
  if (!is_loopback(options.http.address) && options.service.api_keys.empty()) {
    tell(
        "retinaface: --bind {}: whoever reaches this address may ask; --api-key-file has "
        "clients show a key\n",
        options.http.address);
  }
  fmt::print("{}\n", http.url());
  // A service whose address nobody learns is of no use; as fmt::print throws.
  if (std::fflush(stdout) != 0) throw std::system_error(errno, std::generic_category());
  http.run();
  return kSuccess;
}

}  // namespace

Action declare_serve(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("--bind", options->http.address,
                 "address to listen on; 127.0.0.1 is reached from this machine alone, 0.0.0.0 and "
                 ":: from everywhere")
      ->capture_default_str();
  app.add_option("--port", options->http.port, "port to listen on; 0: one that is free")
      ->check(whole_number(0, std::numeric_limits<std::uint16_t>::max()))
      ->capture_default_str();
  app.add_option("--model", options->service.model,
                 "name of a model (retinaface models), or a .safetensors file")
      ->capture_default_str();
  add_backend_option(app, options->backend, false);
  add_type_option(app, options->type);
  app.add_option("--embed", options->recognizer,
                 "model file of a recogniser (retinaface import; doc/verification.md), with which "
                 "requests may ask for each face's vector");
  app.add_option("--max-body", options->http.max_body, "refuse requests of more bytes than this")
      ->check(whole_number(1, std::int64_t{1} << 40))
      ->capture_default_str();
  app.add_option("--max-pixels", options->service.max_pixels,
                 "refuse requests whose images have more pixels together")
      ->check(whole_number(1))
      ->capture_default_str();
  constexpr double kMaxTimeout = 86400;
  app.add_option("--timeout", options->http.timeout_s,
                 "seconds in which a request must have arrived, and an answer been taken")
      ->check(number(0.1, kMaxTimeout))
      ->capture_default_str();
  app.add_option("--queue", options->http.queue,
                 "requests that may wait for a thread; more are answered 503")
      ->check(whole_number(0, 100000))
      ->capture_default_str();
  app.add_option("--api-key-file", options->api_key_file,
                 "file of keys, one a line, of which clients must show one");
  app.add_option("--cors-origin", options->service.cors_origin,
                 "origin whose pages may ask from a browser, as https://example.org, or * for all "
                 "(default: only the service's own page)");
  add_threads_option(app, options->http.threads, "requests worked on at once");
  app.add_flag("--verbose", options->verbose, "a line on standard error for each answer");
  return [options] { return run(*options); };
}

}  // namespace retinaface::cli

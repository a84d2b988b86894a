#include "server/service.h"

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/mesh.h"

#include "pipeline/job_options.h"
#include "server/asked.h"
#include "server/endpoint.h"
#include "server/openapi.h"
#include "server/testing.h"
#include "support/detector_of_few_sizes.h"
#include "support/output_schema.h"

namespace retinaface::server {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::sample;
using testing::ServiceTest;
using ::testing::StartsWith;

TEST_F(ServiceTest, WrongOptionsAreRefusedByTheHeadAlone) {
  const auto expect = [&](const std::string& target, const std::string& text) {
    const std::optional<Response> response = service_.answer_head(post(target, ""));
    ASSERT_TRUE(response) << target;
    expect_error(*response, 400, "invalid_argument", text);
  };
  expect("/v1/detect?min-score=2", "min-score: expected a number from 0 to 1, found '2'");
  expect("/v1/detect?threshold=2",
         "there is no option 'threshold': use min-score=X; expected min-score, nms");
  expect("/v1/detect?clip=1&clip", "clip: expected true or false");
  expect("/v1/detect?nms=1&nms=1", "nms: expected it once, found it twice");
  expect("/v1/detect?align-size=112", "no option 'align-size'");
  expect("/v1/detect?tile=0", "no option 'tile'");
  // As the client wrote it.
  expect("/v1/detect?min_score=2", "min_score: expected a number from 0 to 1, found '2'");
  expect("/v1/detect?min_scor=2", "there is no option 'min_scor'");
  expect("/v1/detect?embed=maybe", "embed: expected true or false, found 'maybe'");
  expect("/v1/align?face=-1", "face: expected a whole number from 0");
  expect("/v1/align?align-size=4000", "align-size: expected a whole number from 32 to 2048");
  expect("/v1/detect?" + std::string(5000, 'x') + "=1", "there is no option 'xxxx");
  expect("/v1/detect?%0a%ff=1", "there is no option '");
}

TEST_F(ServiceTest, TheTopologyIsThatOfMeshes) {
  const json topology = json::parse(ask(get("/v1/topology")).body);
  EXPECT_EQ(topology["vertices"], kMeshVertices);
  ASSERT_EQ(topology["triangles"].size(), mesh_triangles().size());
  EXPECT_EQ(topology["triangles"].back().get<MeshTriangle>(),
            mesh_triangles()[mesh_triangles().size() - 1]);
  const json face =
      json::parse(ask(post("/v1/detect?mesh&landmarks=68", sample())).body)["faces"][0];
  // Points that are vertices: those of the nose's ridge are in both lists.
  const std::size_t vertex = topology["landmarks_68"][30];
  EXPECT_EQ(face["landmarks_68"][30][0], face["mesh"]["vertices"][vertex][0]);
}

TEST_F(ServiceTest, OnlyWhatThereIsCanBeAskedFor) {
  for (const char* path : {"/v1", "/v1/detect/", "//", "/../etc/passwd", "/app.js/..",
                           "/%2e%2e/%2e%2e/etc/passwd", "/index.html", "/.git/config"}) {
    expect_error(ask(get(path)), 404, "not_found", "openapi.json");
  }
  const Response response = ask(get("/v1/detect"));
  expect_error(response, 405, "method_not_allowed", "/v1/detect: expected POST, found 'GET'");
  EXPECT_THAT(response.headers, ::testing::Contains(::testing::Pair("Allow", "POST")));
  expect_error(ask(post("/healthz", "")), 405, "method_not_allowed", "expected GET");
  Request options = get("/v1/detect");
  options.method = "OPTIONS";
  EXPECT_EQ(ask(options).status, 405);
}

TEST_F(ServiceTest, HealthAndReadiness) {
  EXPECT_EQ(ask(get("/healthz")).status, 200);
  EXPECT_EQ(ask(get("/readyz")).status, 200);
  service_.end();
  EXPECT_EQ(ask(get("/healthz")).status, 200);
  EXPECT_EQ(ask(get("/readyz")).status, 503);
}

TEST_F(ServiceTest, ModelsAreListed) {
  const json models = json::parse(ask(get("/v1/models")).body);
  EXPECT_EQ(models["loaded"]["name"], "mnet025");
  EXPECT_EQ(models["loaded"]["weights"], "built in");
  EXPECT_GT(models["models"].size(), 3U);
  EXPECT_GT(models["models"][0]["multiply_adds_640x480"], 1000000);
}

TEST_F(ServiceTest, AModelThatTakesFewSizesIsListedAndRefusesOtherImages) {
  Service service(retinaface::testing::detector_of_few_sizes(), {});
  const Response listed = ask(service, get("/v1/models"));
  ASSERT_EQ(listed.status, 200) << listed.body;
  const json models = json::parse(listed.body);
  EXPECT_TRUE(models["loaded"]["multiply_adds_640x480"].is_null());
  EXPECT_GT(models["loaded"]["parameters"], 100000);
  const auto detect = [&](int side) {
    const Image image(side, side);
    return ask(service, post("/v1/detect?scales=1", testing::encoded(image.view(), "a.png")));
  };
  EXPECT_EQ(detect(256).status, 200);
  expect_error(detect(200), 415, "unsupported", "200x200");
}

TEST_F(ServiceTest, FacesAndImagesAreCounted) {
  ask(form("/v1/detect", {{"a.jpg", sample()}, {"b.txt", "x"}, {"c.jpg", sample()}}));
  const std::string text = ask(get("/metrics")).body;
  EXPECT_THAT(text, HasSubstr("\nretinaface_images_total 2\n"));
  EXPECT_THAT(text, HasSubstr("\nretinaface_faces_total 2\n"));
}

TEST_F(ServiceTest, AKeyIsNeededWhereThereAreKeys) {
  Service guarded(detector_, {.api_keys = {"first", "second"}});
  const auto with = [&](Request request, const std::string& authorization,
                        const std::string& api_key) {
    request.authorization = authorization;
    request.api_key = api_key;
    return ask(guarded, request).status;
  };
  const Request work = post("/v1/detect", sample());
  EXPECT_EQ(with(work, "Bearer first", ""), 200);
  EXPECT_EQ(with(work, "", "second"), 200);
  for (const char* wrong : {"", "firs", "first ", "firstfirst", "third"}) {
    EXPECT_EQ(with(work, "", wrong), 401) << wrong;
    EXPECT_EQ(with(work, std::string("Bearer ") + wrong, ""), 401) << wrong;
  }
  EXPECT_EQ(with(work, "first", ""), 401);
  EXPECT_EQ(with(work, "Basic first", ""), 401);
  EXPECT_EQ(with(get("/metrics"), "", ""), 401);
  EXPECT_EQ(with(get("/v1/models"), "", ""), 401);
  for (const char* open : {"/healthz", "/readyz", "/", "/app.js", "/app.css", "/openapi.json"}) {
    EXPECT_EQ(with(get(open), "", ""), 200) << open;
  }
  // Nothing is said of what a key would allow.
  expect_error(ask(guarded, post("/v1/detect?x=1", "")), 401, "unauthorized", "found none");
}

TEST_F(ServiceTest, OtherOriginsAreLetInOnlyWhereAsked) {
  const auto allowed = [](const Response& response) {
    for (const auto& [name, value] : response.headers) {
      if (name == "Access-Control-Allow-Origin") return value;
    }
    return std::string();
  };
  Request request = get("/healthz");
  request.origin = "https://a.example";
  EXPECT_EQ(allowed(ask(request)), "");
  Service one(detector_, {.cors_origin = "https://a.example"});
  EXPECT_EQ(allowed(ask(one, request)), "https://a.example");
  Service all(detector_, {.cors_origin = "*"});
  EXPECT_EQ(allowed(ask(all, request)), "*");
  Request preflight = request;
  preflight.method = "OPTIONS";
  preflight.path = "/v1/detect";
  EXPECT_EQ(ask(one, preflight).status, 204);
  EXPECT_EQ(allowed(ask(one, preflight)), "https://a.example");
  request.origin = "https://b.example";
  EXPECT_EQ(allowed(ask(one, request)), "");
}

TEST_F(ServiceTest, ThePageNeedsNothingFromElsewhere) {
  const Response page = ask(get("/"));
  EXPECT_THAT(page.content_type, StartsWith("text/html"));
  for (const char* path : {"/", "/app.css", "/app.js"}) {
    const Response part = ask(get(path));
    EXPECT_EQ(part.status, 200);
    EXPECT_GT(part.body.size(), 500U) << path;
    EXPECT_THAT(part.body, Not(HasSubstr("://"))) << path;
    EXPECT_THAT(part.body, Not(HasSubstr("innerHTML"))) << path;
    std::string policy;
    for (const auto& [name, value] : part.headers) {
      if (name == "Content-Security-Policy") policy = value;
    }
    EXPECT_THAT(policy, StartsWith("default-src 'none'; ")) << path;
    EXPECT_THAT(policy, Not(HasSubstr("unsafe"))) << path;
  }
  EXPECT_THAT(page.body, Not(HasSubstr("style=")));
  EXPECT_THAT(page.body, Not(HasSubstr("onclick")));
}

/// All that "$ref" names in a document.
void collect_references(const json& value, std::set<std::string>& references) {
  if (value.is_object() && value.contains("$ref")) references.insert(value["$ref"]);
  if (!value.is_structured()) return;
  for (const json& part : value) collect_references(part, references);
}

TEST_F(ServiceTest, TheDescriptionIsOfWhatThereIs) {
  const json document = json::parse(ask(get("/openapi.json")).body);
  EXPECT_EQ(document["openapi"], "3.1.0");
  for (const char* part : {"title", "version"}) EXPECT_TRUE(document["info"].contains(part));
  EXPECT_EQ(document["paths"].size(), endpoints().size());
  for (const Endpoint& endpoint : endpoints()) {
    const json& path = document["paths"][endpoint.path];
    ASSERT_EQ(path.size(), 1U) << endpoint.path;
    const json& operation = path.begin().value();
    EXPECT_EQ(path.begin().key(), std::string(endpoint.method) == "GET" ? "get" : "post");
    EXPECT_EQ(operation["responses"]["200"]["content"].size(), endpoint.types.size());
    EXPECT_EQ(operation.contains("requestBody"), endpoint.is_work);
    const json parameters = operation.value("parameters", json::array());
    ASSERT_EQ(parameters.size(), endpoint.options.size()) << endpoint.path;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      EXPECT_EQ(parameters[i]["name"], endpoint.options[i]);
      EXPECT_EQ(parameters[i]["in"], "query");
      EXPECT_TRUE(parameters[i]["schema"].contains("type"));
      EXPECT_TRUE(endpoint.options[i] == kFaceOption || endpoint.options[i] == kEmbedOption ||
                  pipeline::find_job_option(endpoint.options[i]) != nullptr);
    }
  }
  std::set<std::string> references;
  collect_references(document, references);
  EXPECT_GE(references.size(), 6U);
  for (const std::string& reference : references) {
    ASSERT_THAT(reference, StartsWith("#"));
    EXPECT_TRUE(document.contains(json::json_pointer(reference.substr(1)))) << reference;
  }
  const json& result = document["components"]["schemas"]["Result"];
  EXPECT_EQ(result["properties"], retinaface::testing::output_schema()["properties"]);
}

}  // namespace
}  // namespace retinaface::server

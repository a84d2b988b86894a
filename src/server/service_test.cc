#include "server/service.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/blur.h"
#include "retinaface/detector.h"
#include "retinaface/image.h"
#include "retinaface/mesh.h"
#include "retinaface/recognizer.h"

#include "base/file.h"
#include "image/codecs/write_options.h"
#include "image/convert.h"
#include "pipeline/detection_job.h"
#include "pipeline/job_options.h"
#include "pipeline/results.h"
#include "server/asked.h"
#include "server/endpoint.h"
#include "server/openapi.h"
#include "server/target.h"
#include "support/detector_of_few_sizes.h"
#include "support/made_recognizer.h"
#include "support/output_schema.h"
#include "support/testing.h"

namespace retinaface::server {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr int kSampleFaces = 1;

std::string content(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string sample() {
  return content(testing::sample_folder() / "hopper.jpg");
}

std::string encoded(const ImageView& image, const std::string& name) {
  const std::vector<std::byte> bytes = encode_image(name, image);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Image decoded(const std::string& body) {
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
    const json body = json::parse(response.body);
    EXPECT_EQ(body.size(), 1U);
    EXPECT_EQ(body["error"]["code"], code);
    const std::string message = body["error"]["message"];
    EXPECT_THAT(message, HasSubstr(text));
    EXPECT_THAT(message, Not(HasSubstr("\n")));
    EXPECT_LT(message.size(), 500U);
  }

  const Detector detector_;
  Service service_{detector_, {.model = "mnet025"}};
};

TEST_F(ServiceTest, OneImageIsTheObjectOfTheCommand) {
  const Response response = ask(post("/v1/detect", sample()));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json");
  json body = json::parse(response.body);
  EXPECT_EQ(testing::schema_fault(testing::output_schema(), body, "answer"), "");
  EXPECT_EQ(body["image"], "image");
  const pipeline::DetectionJob job;
  const Image image = read_image(testing::sample_folder() / "hopper.jpg");
  const auto expected =
      json::parse(pipeline::to_json(pipeline::detect_faces(detector_, job, image, "image").result));
  EXPECT_EQ(body["faces"], expected["faces"]);
  EXPECT_EQ(body["faces"].size(), kSampleFaces);
}

TEST_F(ServiceTest, OptionsHaveTheCommandsNames) {
  const auto faces = [&](const std::string& query) {
    const Response response = ask(post("/v1/detect" + query, sample()));
    EXPECT_EQ(response.status, 200) << query << response.body;
    return json::parse(response.body)["faces"];
  };
  EXPECT_GT(faces("?min-score=0.01").size(), kSampleFaces);
  EXPECT_EQ(faces("?min-score=0.01&max-faces=2").size(), 2U);
  EXPECT_EQ(faces("?min_score=0.01&max_faces=2"), faces("?min-score=0.01&max-faces=2"));
  EXPECT_EQ(faces("?min-size=500").size(), 0U);
  EXPECT_NE(faces("?scales=0.5"), faces(""));
  EXPECT_EQ(faces("?scales=auto&clip=false&nms=0.4"), faces(""));
}

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

TEST_F(ServiceTest, SeveralImagesAreAListWithTheirErrorsInPlace) {
  const Response response =
      ask(form("/v1/detect", {{"a.jpg", sample()}, {"b.txt", "no image"}, {"c.jpg", sample()}}));
  EXPECT_EQ(response.status, 200);
  const json results = json::parse(response.body)["results"];
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(results[0]["image"], "a.jpg");
  EXPECT_EQ(results[0]["faces"], results[2]["faces"]);
  EXPECT_EQ(results[1]["image"], "b.txt");
  EXPECT_EQ(results[1]["error"]["code"], "unsupported");
  EXPECT_THAT(std::string(results[1]["error"]["message"]), StartsWith("b.txt: expected "));
  const json one = json::parse(ask(form("/v1/detect", {{"a.jpg", sample()}})).body);
  EXPECT_EQ(one["image"], "a.jpg");
  EXPECT_EQ(one["faces"], results[0]["faces"]);
  expect_error(ask(form("/v1/detect", {{"b.txt", "no image"}})), 415, "unsupported", "b.txt: ");
  EXPECT_EQ(json::parse(ask(form("/v1/detect", {{"\xFF\n.jpg", sample()}})).body)["faces"].size(),
            1U);
}

TEST_F(ServiceTest, AFormWithoutImagesIsAnError) {
  expect_error(ask(form("/v1/detect", {})), 400, "invalid_argument", "expected a part named");
  Request other = form("/v1/detect", {{"a.jpg", "x"}});
  other.body.replace(other.body.find("name=\"image\""), 12, "name=\"photo\"");
  expect_error(ask(other), 400, "invalid_argument", "expected parts named 'image', found 'photo'");
  Request broken = form("/v1/detect", {{"a.jpg", sample()}});
  broken.body.resize(broken.body.size() - 10);
  expect_error(ask(broken), 422, "bad_data", "last boundary");
  broken.content_type = "multipart/form-data";
  expect_error(ask(broken), 422, "bad_data", "boundary");
}

TEST_F(ServiceTest, WhatIsNoImageHasItsStatus) {
  expect_error(ask(post("/v1/detect", "")), 422, "bad_data",
               "image: expected an image, found noth");
  expect_error(ask(post("/v1/detect", "hello")), 415, "unsupported", "image: expected ");
  expect_error(ask(post("/v1/detect", std::string(100000, '['))), 415, "unsupported", "image: ");
  expect_error(ask(post("/v1/detect", sample().substr(0, 2000))), 422, "bad_data", "JPEG");
  const std::string video = content(testing::fixture_folder() / "videos" / "bt709.mp4");
  expect_error(ask(post("/v1/detect", video)), 415, "unsupported", "found a video");
  // The content counts, whatever the type says.
  Request request = post("/v1/detect", sample());
  request.content_type = "text/plain";
  EXPECT_EQ(ask(request).status, 200);
}

TEST_F(ServiceTest, PixelsAreBounded) {
  Service small(detector_, {.max_pixels = 512 * 600});
  EXPECT_EQ(ask(small, post("/v1/detect", sample())).status, 200);
  EXPECT_EQ(ask(small, post("/v1/detect?scales=0.5,0.5", sample())).status, 200);
  expect_error(ask(small, post("/v1/detect?scales=0.9,0.9", sample())), 413, "too_large", "scales");
  expect_error(ask(small, post("/v1/detect?scales=16", sample())), 413, "too_large", "scales");
  // All images of a request together.
  const json results = json::parse(
      ask(small, form("/v1/detect", {{"a.jpg", sample()}, {"b.jpg", sample()}})).body)["results"];
  EXPECT_EQ(results[0]["faces"].size(), kSampleFaces);
  EXPECT_EQ(results[1]["error"]["code"], "too_large");
  const Image black(300, 300);
  const std::string square = encoded(black, "a.png");
  const json scaled =
      json::parse(ask(small, form("/v1/detect?scales=0.9,0.9",
                                  {{"a.png", square}, {"b.png", square}, {"c.png", square}}))
                      .body)["results"];
  EXPECT_TRUE(scaled[1].contains("faces"));
  EXPECT_EQ(scaled[2]["error"]["code"], "too_large");
  EXPECT_THAT(scaled[2]["error"]["message"].get<std::string>(), HasSubstr("scales"));
  // What was decoded of damaged ones counts, whatever came of it.
  const std::string damaged = square.substr(0, square.size() - 20);
  const json left = json::parse(
      ask(small,
          form("/v1/detect",
               {{"a.png", damaged}, {"b.png", damaged}, {"c.png", damaged}, {"d.png", square}}))
          .body)["results"];
  EXPECT_EQ(left[2]["error"]["code"], "bad_data");
  EXPECT_EQ(left[3]["error"]["code"], "too_large");
  expect_error(ask(small, post("/v1/align?align-size=1024", sample())), 413, "too_large",
               "max-faces");
  Service tiny(detector_, {.max_pixels = 1000});
  expect_error(ask(tiny, post("/v1/detect", sample())), 413, "too_large", "512x600 pixels");
}

TEST_F(ServiceTest, TheImageComesBackDrawn) {
  const Image original = decoded(sample());
  for (const auto& [type, mark] :
       {std::pair("image/jpeg", "\xFF\xD8"), {"image/png", "\x89PNG"}, {"image/webp", "RIFF"}}) {
    const Response response = ask(post("/v1/detect", sample(), type));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.content_type, type);
    EXPECT_THAT(response.body, StartsWith(mark));
    EXPECT_EQ(decoded(response.body).width(), original.width());
  }
  const auto bytes = [&](const std::string& query) {
    return ask(post("/v1/detect" + query, sample(), "image/png")).body;
  };
  // Without a face to draw it is the image as it was.
  const Image plain = decoded(bytes("?min-size=500"));
  EXPECT_TRUE(std::equal(plain.row(0), plain.row(plain.height()), original.row(0)));
  EXPECT_NE(bytes(""), bytes("?min-size=500"));
  EXPECT_LT(ask(post("/v1/detect?jpeg-quality=10", sample(), "image/jpeg")).body.size(),
            ask(post("/v1/detect", sample(), "image/jpeg")).body.size());
  Request two = form("/v1/detect", {{"a.jpg", sample()}, {"b.jpg", sample()}});
  two.accept = "image/jpeg";
  expect_error(ask(two), 400, "invalid_argument", "expected one image");
  expect_error(ask(post("/v1/detect", sample(), "text/html")), 406, "not_acceptable", "image/webp");
}

TEST_F(ServiceTest, BlurredIsTheFaceAndNothingElse) {
  const Image original = decoded(sample());
  const Response response = ask(post("/v1/blur", sample(), "image/png"));
  EXPECT_EQ(response.status, 200);
  const Image blurred = decoded(response.body);
  const auto differs = [&](int x, int y) {
    return !std::equal(original.row(y) + 3 * x, original.row(y) + 3 * x + 3,
                       blurred.row(y) + 3 * x);
  };
  EXPECT_TRUE(differs(265, 243));  // the nose
  EXPECT_FALSE(differs(5, 5));
  // What the command hides: a second, closer look finds faces that the first one does not.
  const std::string crowd = content(testing::sample_folder() / "crowd.webp");
  Image hidden = decoded(crowd);
  const pipeline::DetectionJob job;
  const auto found = pipeline::detect_faces(detector_, job, hidden, "image");
  const auto all = pipeline::faces_to_hide(detector_, job.selection, hidden, found);
  EXPECT_GT(all.size(), found.result.faces.size());
  blur_faces(hidden, all);
  const Image answered = decoded(ask(post("/v1/blur", crowd, "image/png")).body);
  ASSERT_EQ(answered.height(), hidden.height());
  for (int y = 0; y < hidden.height(); ++y) {
    EXPECT_TRUE(std::equal(hidden.row(y), hidden.row(y) + 3 * hidden.width(), answered.row(y)));
  }
  EXPECT_EQ(ask(post("/v1/blur", sample())).content_type, "image/jpeg");
  expect_error(ask(post("/v1/blur", sample(), "application/json")), 406, "not_acceptable", "jpeg");
}

TEST_F(ServiceTest, BlurredIsWhatALookAtTwiceTheSizeFinds) {
  const Image whole = read_image(testing::sample_folder() / "crowd.webp");
  const auto sent = encode_image("part.png", part_of(whole, 760, 0, 640, 400));
  const std::string crowd(reinterpret_cast<const char*>(sent.data()), sent.size());
  const Image original = decoded(crowd);
  const Response response = ask(post("/v1/blur", crowd, "image/png"));
  ASSERT_EQ(response.status, 200);
  const Image blurred = decoded(response.body);
  const std::vector<Face> faces = Detector().detect(original, {.scales = {2}});
  EXPECT_GT(faces.size(), 40U);
  const auto is_bare = [&](const Face& face) {
    const Point center = face.box.center();
    const int x = std::clamp(static_cast<int>(center.x), 0, original.width() - 1);
    const int y = std::clamp(static_cast<int>(center.y), 0, original.height() - 1);
    return std::equal(original.row(y) + 3 * x, original.row(y) + 3 * x + 3, blurred.row(y) + 3 * x);
  };
  EXPECT_LE(std::ranges::count_if(faces, is_bare), 3);  // a field may have the color of its middle
}

TEST_F(ServiceTest, AlignedFacesStandBesideTheirResult) {
  const Response response = ask(post("/v1/align", sample()));
  EXPECT_EQ(response.status, 200);
  const json body = json::parse(response.body);
  EXPECT_EQ(testing::schema_fault(testing::output_schema(), body["result"], "result"), "");
  ASSERT_EQ(body["aligned"].size(), kSampleFaces);
  EXPECT_THAT(std::string(body["aligned"][0]), StartsWith("iVBORw0KGgo"));  // PNG

  const Response image = ask(post("/v1/align?align-size=224&face=0", sample(), "image/png"));
  EXPECT_EQ(decoded(image.body).width(), 224);
  expect_error(ask(post("/v1/align?face=1", sample(), "image/png")), 422, "no_such_face",
               "1 face found");
  const json several =
      json::parse(ask(form("/v1/align", {{"a", sample()}, {"b", "x"}})).body)["results"];
  EXPECT_EQ(several[0]["aligned"], body["aligned"]);
  EXPECT_EQ(several[1]["error"]["code"], "unsupported");
}

TEST_F(ServiceTest, MeshesAreTheCommands) {
  const json body = json::parse(ask(post("/v1/detect?mesh=true&landmarks=68", sample())).body);
  EXPECT_EQ(testing::schema_fault(testing::output_schema(), body, "answer"), "");
  pipeline::DetectionJob job;
  job.fields = {.mesh = true, .landmarks = pipeline::kDenseLandmarks};
  const Image image = read_image(testing::sample_folder() / "hopper.jpg");
  const auto expected =
      json::parse(pipeline::to_json(pipeline::detect_faces(detector_, job, image, "image").result));
  EXPECT_EQ(body["faces"], expected["faces"]);
  EXPECT_EQ(body["faces"][0]["mesh"]["vertices"].size(), kMeshVertices);
  EXPECT_EQ(body["faces"][0]["landmarks_68"].size(), 68U);
  const json aligned = json::parse(ask(post("/v1/align?mesh", sample())).body);
  EXPECT_EQ(aligned["result"]["faces"][0]["mesh"], body["faces"][0]["mesh"]);
  EXPECT_FALSE(aligned["result"]["faces"][0].contains("landmarks_68"));
  const auto head = service_.answer_head(post("/v1/detect?mesh=true", "", "image/jpeg"));
  ASSERT_TRUE(head);
  expect_error(*head, 400, "invalid_argument", "application/json, found image/jpeg");
}

TEST_F(ServiceTest, RefinedMeshesAreTheCommands) {
  const json body = json::parse(ask(post("/v1/detect?mesh&mesh-refine", sample())).body);
  pipeline::DetectionJob job;
  job.fields.mesh = true;
  job.selection.detect.refine_mesh = true;
  const Image image = read_image(testing::sample_folder() / "hopper.jpg");
  const auto expected =
      json::parse(pipeline::to_json(pipeline::detect_faces(detector_, job, image, "image").result));
  EXPECT_EQ(body["faces"], expected["faces"]);
  const json plain = json::parse(ask(post("/v1/detect?mesh", sample())).body);
  EXPECT_NE(body["faces"][0]["mesh"], plain["faces"][0]["mesh"]);
  const auto head = service_.answer_head(post("/v1/detect?mesh-refine", ""));
  ASSERT_TRUE(head);
  expect_error(*head, 400, "invalid_argument", "mesh-refine: expected mesh or landmarks=68");
}

TEST_F(ServiceTest, VectorsAreTheCommands) {
  const testing::TemporaryFolder folder;
  testing::write_made_recognizer(folder / "recognizer.safetensors");
  const Recognizer recognizer(folder / "recognizer.safetensors");
  Service service(detector_, {.recognizer = recognizer});
  const json body = json::parse(ask(service, post("/v1/detect?embed", sample())).body);
  EXPECT_EQ(testing::schema_fault(testing::output_schema(), body, "answer"), "");
  pipeline::DetectionJob job;
  job.recognizer = recognizer;
  const Image image = read_image(testing::sample_folder() / "hopper.jpg");
  const auto expected =
      json::parse(pipeline::to_json(pipeline::detect_faces(detector_, job, image, "image").result));
  EXPECT_EQ(body["faces"], expected["faces"]);
  EXPECT_EQ(body["faces"][0]["embedding"].size(), 4U);
  const json plain = json::parse(ask(service, post("/v1/detect", sample())).body);
  EXPECT_FALSE(plain["faces"][0].contains("embedding"));
  const auto head = service_.answer_head(post("/v1/detect?embed", ""));
  ASSERT_TRUE(head);
  expect_error(*head, 400, "invalid_argument", "embed: expected a service that was started with");
  const auto image_head = service.answer_head(post("/v1/detect?embed", "", "image/png"));
  ASSERT_TRUE(image_head);
  expect_error(*image_head, 400, "invalid_argument", "application/json, found image/png");
}

TEST_F(ServiceTest, FiguresOfQualityAreTheCommands) {
  const json body = json::parse(ask(post("/v1/detect?face-quality", sample())).body);
  EXPECT_EQ(testing::schema_fault(testing::output_schema(), body, "answer"), "");
  pipeline::DetectionJob job;
  job.fields.quality = true;
  const Image image = read_image(testing::sample_folder() / "hopper.jpg");
  const auto expected =
      json::parse(pipeline::to_json(pipeline::detect_faces(detector_, job, image, "image").result));
  EXPECT_EQ(body["faces"], expected["faces"]);
  EXPECT_GT(body["faces"][0]["quality"]["score"], 0.7);
  const auto head = service_.answer_head(post("/v1/detect?face_quality=true", "", "image/png"));
  ASSERT_TRUE(head);
  expect_error(*head, 400, "invalid_argument", "application/json, found image/png");
}

TEST_F(ServiceTest, SoManyFacesAreDescribedAndNoMore) {
  Service two(detector_, {.max_described = 2});
  const std::string crowd = content(testing::sample_folder() / "crowd.webp");
  expect_error(ask(two, post("/v1/detect?mesh", crowd)), 413, "too_large",
               "the 2 that are left to this request");
  expect_error(ask(two, post("/v1/detect?face-quality", crowd)), 413, "too_large", "max-faces");
  expect_error(ask(two, post("/v1/detect?mesh&max-faces=3", crowd)), 413, "too_large", "max-faces");
  const json some = json::parse(ask(two, post("/v1/detect?mesh&max-faces=2", crowd)).body);
  const json plain = json::parse(ask(two, post("/v1/detect?max-faces=2", crowd)).body);
  ASSERT_EQ(some["faces"].size(), 2U);
  EXPECT_EQ(some["faces"][1]["box"], plain["faces"][1]["box"]);
  // What takes ten times as long counts ten times.
  Service ten(detector_, {.max_described = 20});
  expect_error(ask(ten, post("/v1/detect?mesh&mesh-refine&max-faces=3", crowd)), 413, "too_large",
               "the 2 that are left");
  EXPECT_EQ(ask(ten, post("/v1/detect?mesh&max-faces=3", crowd)).status, 200);
  // A second pass at a face costs up to 164,000 pixels.
  Service small(detector_, {.max_pixels = 1'600'000});
  expect_error(ask(small, post("/v1/detect?turned", crowd)), 413, "too_large", "the 9 that are");
  EXPECT_EQ(ask(small, post("/v1/detect?turned&max-faces=2", crowd)).status, 200);
  // Together they are as many as one image may have.
  const json several =
      json::parse(ask(two, form("/v1/detect?mesh&max-faces=2", {{"a", crowd}, {"b", crowd}})).body);
  EXPECT_TRUE(several["results"][0].contains("faces"));
  EXPECT_EQ(several["results"][1]["error"]["code"], "too_large");
  // Small faces that are not asked for do not take the places of large ones.
  const json large = json::parse(ask(two, post("/v1/detect?mesh&min-size=100", crowd)).body);
  EXPECT_EQ(large.value("faces", json::array()).size(),
            json::parse(ask(two, post("/v1/detect?min-size=100", crowd)).body)["faces"].size());
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
  Service service(testing::detector_of_few_sizes(), {});
  const Response listed = ask(service, get("/v1/models"));
  ASSERT_EQ(listed.status, 200) << listed.body;
  const json models = json::parse(listed.body);
  EXPECT_TRUE(models["loaded"]["multiply_adds_640x480"].is_null());
  EXPECT_GT(models["loaded"]["parameters"], 100000);
  const auto detect = [&](int side) {
    const Image image(side, side);
    return ask(service, post("/v1/detect?scales=1", encoded(image, "a.png")));
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
  EXPECT_EQ(result["properties"], testing::output_schema()["properties"]);
}

}  // namespace
}  // namespace retinaface::server

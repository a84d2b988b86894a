#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/blur.h"
#include "retinaface/detector.h"
#include "retinaface/image.h"
#include "retinaface/mesh.h"
#include "retinaface/recognizer.h"

#include "base/text.h"
#include "image/codecs/write_options.h"
#include "image/convert.h"
#include "pipeline/detection_job.h"
#include "pipeline/results.h"
#include "server/service.h"
#include "server/testing.h"
#include "support/content_of.h"
#include "support/made_recognizer.h"
#include "support/output_schema.h"
#include "support/testing.h"

namespace retinaface::server {
namespace {

using nlohmann::json;
using retinaface::testing::content_of;
using testing::decoded;
using testing::encoded;
using ::testing::HasSubstr;
using testing::kSampleFaces;
using testing::sample;
using testing::ServiceTest;
using ::testing::StartsWith;

TEST_F(ServiceTest, OneImageIsTheObjectOfTheCommand) {
  const Response response = ask(post("/v1/detect", sample()));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json");
  json body = json::parse(response.body);
  EXPECT_EQ(retinaface::testing::schema_fault(retinaface::testing::output_schema(), body, "answer"),
            "");
  EXPECT_EQ(body["image"], "image");
  const pipeline::DetectionJob job;
  const Image image = read_image(retinaface::testing::sample_folder() / "hopper.jpg");
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
  const std::string video =
      content_of(retinaface::testing::fixture_folder() / "videos" / "bt709.mp4");
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
  // What the command hides: a second pass at twice the size finds faces that the first one does
  // not.
  const std::string crowd = content_of(retinaface::testing::sample_folder() / "crowd.webp");
  Image hidden = decoded(crowd);
  const pipeline::DetectionJob job;
  const auto found = pipeline::detect_faces(detector_, job, hidden, "image");
  const auto all = pipeline::faces_to_hide(detector_, job.detect, hidden, found);
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

TEST_F(ServiceTest, BlurredIsWhatAPassAtTwiceTheSizeFinds) {
  const Image whole = read_image(retinaface::testing::sample_folder() / "crowd.webp");
  const auto sent = encode_image("part.png", part_of(whole, 760, 0, 640, 400));
  const std::string crowd(text_of(sent));
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
  EXPECT_EQ(retinaface::testing::schema_fault(retinaface::testing::output_schema(), body["result"],
                                              "result"),
            "");
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
  EXPECT_EQ(retinaface::testing::schema_fault(retinaface::testing::output_schema(), body, "answer"),
            "");
  pipeline::DetectionJob job;
  job.fields = {.mesh = true, .landmarks = pipeline::kDenseLandmarks};
  const Image image = read_image(retinaface::testing::sample_folder() / "hopper.jpg");
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
  job.detect.refine_mesh = true;
  const Image image = read_image(retinaface::testing::sample_folder() / "hopper.jpg");
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
  const retinaface::testing::TemporaryFolder folder;
  retinaface::testing::write_made_recognizer(folder / "recognizer.safetensors");
  const Recognizer recognizer(folder / "recognizer.safetensors");
  Service service(detector_, {.recognizer = recognizer});
  const json body = json::parse(ask(service, post("/v1/detect?embed", sample())).body);
  EXPECT_EQ(retinaface::testing::schema_fault(retinaface::testing::output_schema(), body, "answer"),
            "");
  pipeline::DetectionJob job;
  job.recognizer = recognizer;
  const Image image = read_image(retinaface::testing::sample_folder() / "hopper.jpg");
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
  EXPECT_EQ(retinaface::testing::schema_fault(retinaface::testing::output_schema(), body, "answer"),
            "");
  pipeline::DetectionJob job;
  job.fields.quality = true;
  const Image image = read_image(retinaface::testing::sample_folder() / "hopper.jpg");
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
  const std::string crowd = content_of(retinaface::testing::sample_folder() / "crowd.webp");
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

}  // namespace
}  // namespace retinaface::server

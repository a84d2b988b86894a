// `retinaface detect` on videos that are made here: sample faces move along known paths.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/retinaface.h"

#include "geometry/box.h"
#include "image/convert.h"
#include "image/resize.h"
#include "support/output_schema.h"
#include "support/program_folder.h"
#include "support/testing.h"
#include "video/video_reader.h"
#include "video/video_writer.h"

namespace retinaface {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::CommandResult;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::lines_of;
using ::testing::UnorderedElementsAre;

constexpr int kWidth = 640;
constexpr int kHeight = 360;
constexpr int kFrames = 60;
constexpr double kRate = 25;
constexpr int kPatch = 110;
// In the portrait: the part that is pasted, and the face in it (samples/make_samples.py).
constexpr int kPartX = 120, kPartY = 10, kPart = 210;
constexpr Box kFace = {177, 58, 271, 178};

/// Where the patch of each person is in a frame; nothing where it is not seen. The first is hidden
/// for six frames, the third comes and goes.
std::vector<std::optional<Point>> places(int frame) {
  const auto t = static_cast<float>(frame);
  std::vector<std::optional<Point>> result(3);
  if (frame < 25 || frame > 30) result[0] = {10 + 8 * t, 5};
  result[1] = {510 - 8 * t, 125};
  if (frame >= 20 && frame < 45) result[2] = {300 + 2 * t, 245};
  return result;
}

Box face_at(const Point& place) {
  constexpr float kScale = static_cast<float>(kPatch) / kPart;
  return {std::floor(place.x) + (kFace.x0 - kPartX) * kScale,
          std::floor(place.y) + (kFace.y0 - kPartY) * kScale,
          std::floor(place.x) + (kFace.x1 - kPartX) * kScale,
          std::floor(place.y) + (kFace.y1 - kPartY) * kScale};
}

Image patch() {
  static const Image portrait = read_image(testing::sample_folder() / "portrait.jpg");
  return resize(part_of(portrait, kPartX, kPartY, kPart, kPart), kPatch, kPatch);
}

Image calm_background() {
  Image image(kWidth, kHeight);
  for (int y = 0; y < kHeight; ++y) {
    for (int i = 0; i < 3 * kWidth; ++i) {
      image.row(y)[i] = static_cast<std::uint8_t>(120 + y / 8 + i % 3 * 10);
    }
  }
  return image;
}

/// A calm background and whoever is there.
Image frame_of(int frame) {
  static const Image person = patch();
  Image image = calm_background();
  for (const auto& place : places(frame)) {
    if (!place) continue;
    for (int y = 0; y < kPatch; ++y) {
      std::copy_n(person.row(y), 3 * kPatch,
                  image.row(static_cast<int>(place->y) + y) + 3 * static_cast<int>(place->x));
    }
  }
  return image;
}

void write_video(const fs::path& path, int frames) {
  video::VideoWriter writer(path, kWidth, kHeight, {.frames_per_s = kRate});
  for (int i = 0; i < frames; ++i) writer.write(frame_of(i % kFrames), i / kRate);
  writer.finish();
}

class Videos : public testing::ProgramFolder {
 protected:
  static void SetUpTestSuite() {
    shared_ = std::make_unique<testing::TemporaryFolder>();
    write_video(*shared_ / "video.mp4", kFrames);
  }
  static void TearDownTestSuite() { shared_.reset(); }

  Videos() {
    fs::copy_file(*shared_ / "video.mp4", folder_ / "video.mp4");
    fs::copy_file(testing::sample_folder() / "portrait.jpg", folder_ / "portrait.jpg");
  }

  std::vector<json> results(const std::string& command) const {
    const CommandResult result = run(command);
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    std::vector<json> lines;
    for (const std::string& line : lines_of(result.output)) lines.push_back(json::parse(line));
    return lines;
  }

  static std::unique_ptr<testing::TemporaryFolder> shared_;
};

std::unique_ptr<testing::TemporaryFolder> Videos::shared_;

Box box_of(const json& face) {
  const auto box = face["box"].get<std::vector<float>>();
  return {box[0], box[1], box[2], box[3]};
}

/// Checks that each line has the faces that its frame shows, and returns each person's tracks.
std::vector<std::set<int>> tracks_of(const std::vector<json>& lines) {
  std::vector<std::set<int>> tracks(3);
  for (const json& line : lines) {
    const auto people = places(line["frame"]);
    EXPECT_EQ(static_cast<std::ptrdiff_t>(line["faces"].size()),
              std::ranges::count_if(people, [](const auto& place) { return place.has_value(); }));
    for (std::size_t p = 0; p < people.size(); ++p) {
      if (!people[p]) continue;
      for (const json& face : line["faces"]) {
        if (iou(box_of(face), face_at(*people[p])) > 0.4F)
          tracks[p].insert(face["track"].get<int>());
      }
    }
  }
  return tracks;
}

/// How much neighbouring pixels differ in the middle of a face.
double detail(const Image& image, const Box& face) {
  const auto whole = [](float value) { return static_cast<int>(value); };
  double sum = 0;
  for (int y = whole(face.y0 + face.height() / 4); y < whole(face.y1 - face.height() / 4); ++y) {
    for (int x = whole(face.x0 + face.width() / 4); x < whole(face.x1 - face.width() / 4); ++x) {
      sum += std::abs(image.row(y)[3 * x] - image.row(y)[3 * x + 3]);
    }
  }
  return sum;
}

TEST_F(Videos, FacesKeepTheirTrackThroughAVideo) {
  const std::vector<json> lines = results("detect video.mp4");
  ASSERT_EQ(lines.size(), static_cast<std::size_t>(kFrames));
  const json schema = testing::output_schema();
  for (int i = 0; i < kFrames; ++i) {
    const json& line = lines[static_cast<std::size_t>(i)];
    EXPECT_EQ(testing::schema_fault(schema, line, "line"), "");
    EXPECT_EQ(line["image"], "video.mp4");
    EXPECT_EQ(line["frame"], i);
    EXPECT_NEAR(line["time_s"].get<double>(), i / kRate, 1e-3);
    EXPECT_EQ(line["width"], kWidth);
  }
  const auto tracks = tracks_of(lines);
  std::set<int> all;
  for (const auto& of_person : tracks) {
    EXPECT_EQ(of_person.size(), 1U);
    all.insert(of_person.begin(), of_person.end());
  }
  EXPECT_EQ(all, (std::set{1, 2, 3}));
}

TEST_F(Videos, LooksAtEveryNthFrame) {
  const std::vector<json> lines = results("detect video.mp4 --every 7");
  ASSERT_EQ(lines.size(), 9U);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i]["frame"], 7 * i);
    EXPECT_NEAR(lines[i]["time_s"].get<double>(), 7 * static_cast<double>(i) / kRate, 1e-3);
  }
  EXPECT_THAT(tracks_of(lines), UnorderedElementsAre(std::set{1}, std::set{2}, std::set{3}));
}

TEST_F(Videos, AreFramesLikeImages) {
  // The same faces as in an image of the frame, whatever tracking looks for besides.
  const json whole = results("detect video.mp4 --max-faces 1 --min-size 20 --every 50");
  video::VideoReader reader((folder_ / "video.mp4").string());
  for (int i = 0; i <= 50; ++i) ASSERT_TRUE(reader.next());
  write_image(folder_ / "frame.png", reader.image());
  const json image = results("detect frame.png --max-faces 1")[0];
  json face = whole[1]["faces"][0];
  face.erase("track");
  EXPECT_EQ(face, image["faces"][0]);
  EXPECT_EQ(whole[1]["faces"].size(), 1U);
  EXPECT_TRUE(results("detect video.mp4 --min-size 200 --every 50")[0]["faces"].empty());
  for (const char* options : {"--scales 1", "--scales 0.5,1", "--tile 1280"}) {
    EXPECT_EQ(results(fmt::format("detect video.mp4 --every 50 {}", options))[0]["faces"].size(),
              2U);
  }
  const CommandResult refused = run("detect video.mp4 portrait.jpg --max-pixels 230399");
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.errors, HasSubstr("video.mp4: 640x360 pixels, more than"));
}

TEST_F(Videos, StandAmongImagesInOrder) {
  fs::copy_file(folder_ / "video.mp4", folder_ / "nameless");  // known by its content
  const std::vector<json> lines =
      results("detect portrait.jpg nameless portrait.jpg video.mp4 portrait.jpg --every 30");
  std::vector<std::string> images;
  for (const json& line : lines) images.push_back(line["image"]);
  EXPECT_THAT(images, ElementsAre("portrait.jpg", "nameless", "nameless", "portrait.jpg",
                                  "video.mp4", "video.mp4", "portrait.jpg"));
  EXPECT_FALSE(lines[0].contains("frame"));
  EXPECT_FALSE(lines[0]["faces"][0].contains("track"));
  EXPECT_EQ(lines[4]["faces"][0]["track"], 1);  // counted anew in each video
  fs::create_directory(folder_ / "in");
  fs::copy_file(testing::fixture_folder() / "videos/bt709.mp4", folder_ / "in/b.MOV");
  fs::rename(folder_ / "portrait.jpg", folder_ / "in/a.jpg");
  const std::vector<json> found = results("detect in --every 30");
  EXPECT_EQ(found.front()["image"], "in/a.jpg");
  EXPECT_EQ(found.back()["image"], "in/b.MOV");
}

TEST_F(Videos, AreInEveryFormat) {
  const json lines = results("detect video.mp4 --every 20");
  const auto csv = lines_of(run("detect video.mp4 --every 20 --format csv").output);
  EXPECT_THAT(csv[0], ::testing::EndsWith(",frame,time_s,track"));
  EXPECT_THAT(csv.back(), ::testing::EndsWith(fmt::format(
                              ",40,1.600,{}", lines[2]["faces"].back()["track"].get<int>())));
  const json coco = json::parse(run("detect video.mp4 --every 20 --format coco").output);
  ASSERT_EQ(coco["images"].size(), 3U);
  EXPECT_EQ(coco["images"][2]["frame"], 40);
  EXPECT_EQ(coco["images"][2]["time_s"], 1.6);
  EXPECT_EQ(coco["annotations"].back()["track"], lines[2]["faces"].back()["track"]);
  EXPECT_EQ(coco["annotations"].back()["image_id"], 2);
  EXPECT_EQ(run("detect video.mp4 --every 20 --format wider --out w").exit_code, 0);
  const auto wider = lines_of(content("w/video.mp4/000040_1.600s.txt"));
  ASSERT_EQ(wider.size(), 2 + lines[2]["faces"].size());
  EXPECT_EQ(wider[0], "video.mp4/000040_1.600s");
}

TEST_F(Videos, CanBeKeptWithTheirFacesDrawn) {
  const std::vector<json> lines = results("detect video.mp4 --out drawn.mp4 --draw");
  EXPECT_EQ(lines.size(), static_cast<std::size_t>(kFrames));
  video::VideoReader reader((folder_ / "drawn.mp4").string());
  EXPECT_NEAR(reader.frames_per_s(), kRate, 1e-3);
  EXPECT_EQ(reader.expected_frames(), kFrames);
  int boxes = 0;
  while (const auto frame = reader.next()) {
    EXPECT_NEAR(frame->time_s, static_cast<double>(frame->number) / kRate, 1e-3);
    const Image image = reader.image();
    const Image plain = frame_of(static_cast<int>(frame->number));
    for (const json& face : lines[static_cast<std::size_t>(frame->number)]["faces"]) {
      // On the left edge of the box the image has changed, outside of it and its label it has
      // not.
      const Box box = box_of(face);
      const auto change = [&](float x, float y) {
        const int i = 3 * static_cast<int>(x);
        int sum = 0;
        for (int c = 0; c < 3; ++c) {
          sum += std::abs(image.row(static_cast<int>(y))[i + c] -
                          plain.row(static_cast<int>(y))[i + c]);
        }
        return sum;
      };
      const float y = box.center().y;
      if (change(std::round(box.x0), y) > 40) ++boxes;
      EXPECT_LT(change(box.x0 - 8, y), 60);
    }
  }
  std::size_t faces = 0;
  for (const json& line : lines) faces += line["faces"].size();
  EXPECT_GT(boxes, static_cast<int>(faces) * 9 / 10);
}

TEST_F(Videos, CanBeKeptWithoutTheirFaces) {
  // In a folder, under its own name; with every third frame it lasts as long.
  fs::create_directory(folder_ / "in");
  fs::rename(folder_ / "video.mp4", folder_ / "in/video.avi");  // what we read, but do not write
  const std::vector<json> lines =
      results("detect in --out private --blur --every 3 --crops --max-faces 2");
  video::VideoReader reader((folder_ / "private/in/video.avi.mp4").string());
  EXPECT_NEAR(reader.frames_per_s(), kRate / 3, 1e-2);
  int count = 0;
  while (const auto frame = reader.next()) {
    EXPECT_NEAR(frame->time_s, 3 * static_cast<double>(frame->number) / kRate, 1e-3);
    const Image image = reader.image();
    const Image plain = frame_of(3 * static_cast<int>(frame->number));
    for (const json& face : lines[static_cast<std::size_t>(count)]["faces"]) {
      EXPECT_LT(detail(image, box_of(face)), 0.5 * detail(plain, box_of(face)));
    }
    ++count;
  }
  EXPECT_EQ(count, kFrames / 3);
  EXPECT_GT(read_image(folder_ / "private/in/video.avi.faces/000057_1.png").width(), 40);
  EXPECT_FALSE(fs::exists(folder_ / "private/in/video.avi.faces/000058_1.png"));
}

TEST_F(Videos, HideAFaceAlsoWhereItIsFaint) {
  // With its median as the smallest score, the second person is in the results of half the frames.
  std::vector<double> scores;
  const auto second = [](const json& line) -> const json* {
    const Box box = face_at(*places(line["frame"])[1]);
    for (const json& face : line["faces"]) {
      if (iou(box_of(face), box) > 0.4F) return &face;
    }
    return nullptr;
  };
  for (const json& line : results("detect video.mp4")) scores.push_back((*second(line))["score"]);
  std::ranges::nth_element(scores, scores.begin() + kFrames / 2);
  const auto lines = results(
      fmt::format("detect video.mp4 --out b.mp4 --blur --min-score {}", scores[kFrames / 2]));
  video::VideoReader reader((folder_ / "b.mp4").string());
  int sure = 0, faint = 0;
  while (const auto frame = reader.next()) {
    const json& line = lines[static_cast<std::size_t>(frame->number)];
    const bool is_sure = second(line) != nullptr;
    (is_sure ? sure : faint) += 1;
    if (sure == 0) continue;  // no track yet
    const Box box = face_at(*places(line["frame"])[1]);
    EXPECT_LT(detail(reader.image(), box),
              0.5 * detail(frame_of(static_cast<int>(frame->number)), box))
        << frame->number;
  }
  EXPECT_GT(sure, 10);
  EXPECT_GT(faint, 10);
}

/// A video of the portrait's person at rest. Where it is not shown there is noise, which nobody is
/// found in.
Image still_frame(bool is_shown, const Image& background) {
  Image image = background;
  static const Image person = patch();
  for (int y = 0; y < kPatch; ++y) {
    std::uint8_t* const row = image.row(100 + y) + 3 * 260;
    for (int i = 0; i < 3 * kPatch; ++i) {
      row[i] = is_shown ? person.row(y)[i] : static_cast<std::uint8_t>((y * 37 + i * 101) % 251);
    }
  }
  return image;
}

TEST_F(Videos, HideFacesBetweenAndBeforeTheFramesThatShowThem) {
  const Image background = calm_background();
  const auto is_shown = [](int frame) { return frame >= 15 && (frame < 25 || frame >= 32); };
  video::VideoWriter writer(folder_ / "gap.mp4", kWidth, kHeight, {.frames_per_s = kRate});
  for (int i = 0; i < 45; ++i) writer.write(still_frame(is_shown(i), background), i / kRate);
  writer.finish();
  const auto lines = results("detect gap.mp4 --out hidden.mp4 --blur");
  video::VideoReader reader((folder_ / "hidden.mp4").string());
  const Box box = face_at({260, 100});
  int count = 0;
  while (const auto frame = reader.next()) {
    const int number = static_cast<int>(frame->number);
    const double before = detail(still_frame(is_shown(number), background), box);
    const double after = detail(reader.image(), box);
    EXPECT_EQ(lines[static_cast<std::size_t>(number)]["faces"].size(), is_shown(number) ? 1U : 0U);
    if (number >= 6) {  // 0.4 s before the first
      EXPECT_LT(after, 0.5 * before) << number;
    } else if (number < 4) {
      EXPECT_GT(after, 0.5 * before) << number;
    }
    ++count;
  }
  EXPECT_EQ(count, 45);
}

/// A pan over the crowd, whose faces have 12 px and more, shrunk so that most have less.
void write_pan(const fs::path& path, int frames) {
  const Image crowd = read_image(testing::sample_folder() / "crowd.webp");
  constexpr int kStep_px = 6;
  const Image small = resize(crowd, crowd.width() * 2 / 3, crowd.height() * 2 / 3);
  video::VideoWriter writer(path, kWidth, kHeight, {.frames_per_s = kRate});
  for (int i = 0; i < frames; ++i) {
    writer.write(resize(part_of(small, kStep_px * i, 0, kWidth, kHeight), kWidth, kHeight),
                 i / kRate);
  }
  writer.finish();
}

TEST_F(Videos, AreBlurredSoThatADetectorThatLooksCloserFindsNothingAgain) {
  write_pan(folder_ / "pan.mp4", 10);
  fs::copy_file(testing::sample_folder() / "crowd.webp", folder_ / "crowd.webp");
  ASSERT_EQ(run("detect pan.mp4 crowd.webp --blur --out blurred").exit_code, 0);
  const auto faces = [&](const std::string& input, const std::string& options) {
    std::size_t count = 0;
    for (const json& line : results("detect " + input + options)) count += line["faces"].size();
    return count;
  };
  for (const std::string options : {"", " --scales 1,2"}) {
    for (const std::string name : {"pan.mp4", "crowd.webp"}) {
      SCOPED_TRACE(name + options);
      const std::size_t before = faces(name, options);
      EXPECT_GT(before, 100U);
      // What the coding of videos makes of a hidden face of few pixels may be one again.
      const double share = name == "pan.mp4" && !options.empty() ? 0.01 : 0;
      EXPECT_LE(static_cast<double>(faces("blurred/" + name, options)),
                share * static_cast<double>(before));
    }
  }
}

TEST_F(Videos, KeepTheirSoundUnlessToldOtherwise) {
  fs::copy_file(testing::fixture_folder() / "videos" / "sound.mp4", folder_ / "sound.mp4");
  fs::copy_file(testing::fixture_folder() / "videos" / "sound.avi", folder_ / "sound.avi");
  const auto has_sound = [&](const std::string& name) {
    return content(name).find("mp4a") != std::string::npos;  // how ISO/IEC 14496-14 calls AAC
  };
  ASSERT_TRUE(has_sound("sound.mp4"));
  EXPECT_EQ(run("detect sound.mp4 --blur --out a").exit_code, 0);
  EXPECT_TRUE(has_sound("a/sound.mp4"));
  EXPECT_EQ(run("detect sound.mp4 --draw --no-audio --out b").exit_code, 0);
  EXPECT_FALSE(has_sound("b/sound.mp4"));
  const CommandResult result = run("detect sound.avi --draw --out c");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.errors, HasSubstr("sound.avi: .mp4 files cannot hold its sound, pcm_u8, which "
                                       "is left out; with --out NAME.mkv it is kept"));
}

TEST_F(Videos, BeginNewTracksAtCuts) {
  // The same person in the same place, in another scene.
  const Image here = calm_background();
  Image there = here;
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      std::fill_n(there.row(y) + 3 * x, 3, static_cast<std::uint8_t>(x / 60 % 2 == 0 ? 20 : 230));
    }
  }
  video::VideoWriter writer(folder_ / "cut.mp4", kWidth, kHeight, {.frames_per_s = kRate});
  for (int i = 0; i < 20; ++i) {
    writer.write(still_frame(true, i < 10 ? here : there), i / kRate);
  }
  writer.finish();
  const auto lines = results("detect cut.mp4");
  ASSERT_EQ(lines.size(), 20U);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    ASSERT_EQ(lines[i]["faces"].size(), 1U) << i;
    EXPECT_EQ(lines[i]["faces"][0]["track"], i < 10 ? 1 : 2) << i;
  }
}

TEST_F(Videos, MayBeAnimatedImages) {
  fs::copy_file(testing::fixture_folder() / "portrait_twice.gif", folder_ / "a.gif");
  const CommandResult first = run("detect a.gif portrait.jpg");
  EXPECT_EQ(first.errors, "retinaface: a.gif: read 1 of 2 frames; --all-frames reads all\n");
  EXPECT_EQ(lines_of(first.output).size(), 2U);
  EXPECT_EQ(run("detect a.gif --quiet").errors, "");
  const auto lines = results("detect a.gif portrait.jpg --all-frames --draw --out drawn");
  ASSERT_EQ(lines.size(), 3U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(lines[i]["frame"], i);
    EXPECT_NEAR(lines[i]["time_s"].get<double>(), 0.2 * static_cast<double>(i), 1e-6);
    ASSERT_EQ(lines[i]["faces"].size(), 1U);
    EXPECT_EQ(lines[i]["faces"][0]["track"], 1);
  }
  EXPECT_FALSE(lines[2].contains("frame"));
  EXPECT_TRUE(fs::exists(folder_ / "drawn/a.gif.mp4"));
  EXPECT_TRUE(fs::exists(folder_ / "drawn/portrait.jpg"));
}

TEST_F(Videos, MayBeAnimatedImagesFromStandardInput) {
  fs::copy_file(testing::fixture_folder() / "portrait_twice.gif", folder_ / "a.gif");
  const CommandResult both = run("detect - --all-frames < a.gif");
  EXPECT_EQ(both.errors, "");
  EXPECT_EQ(lines_of(both.output).size(), 2U);
  const auto one = results("detect - --all-frames < portrait.jpg");
  ASSERT_EQ(one.size(), 1U);
  EXPECT_FALSE(one[0].contains("frame"));
}

TEST_F(Videos, MayBeSequencesInAvif) {
  fs::copy_file(testing::fixture_folder() / "sequence.avif", folder_ / "a.avif");
  EXPECT_EQ(run("detect a.avif").errors,
            "retinaface: a.avif: read 1 of 10 frames; --all-frames reads all\n");
  EXPECT_EQ(results("detect a.avif --all-frames").size(), 10U);
  EXPECT_THAT(run("detect - --all-frames < a.avif").errors,
              HasSubstr("from standard input; name its file"));
}

TEST_F(Videos, AreKnownByTheirContentUnderAnImagesName) {
  fs::copy_file(testing::fixture_folder() / "videos" / "bt709.mp4", folder_ / "video.jpg");
  EXPECT_EQ(results("detect video.jpg").size(), 10U);
}

TEST_F(Videos, MayBeRowsOfJpegs) {
  const std::string jpeg = content("portrait.jpg");
  write("in/a.mjpeg", jpeg + jpeg + jpeg);
  EXPECT_EQ(results("detect in").size(), 3U);
}

TEST_F(Videos, MayBePages) {
  fs::copy_file(testing::fixture_folder() / "images/two_pages.tif", folder_ / "a.tif");
  const auto lines = results("detect a.tif --all-frames --draw --out drawn --min-score 0.01");
  ASSERT_EQ(lines.size(), 2U);
  std::set<int> tracks;
  std::size_t faces = 0;
  for (const json& line : lines) {
    EXPECT_EQ(line["time_s"], 0);
    for (const json& face : line["faces"]) tracks.insert(face["track"].get<int>());
    faces += line["faces"].size();
  }
  EXPECT_EQ(tracks.size(), faces);  // none on both pages
  EXPECT_EQ(read_image(folder_ / "drawn/a.tif.pages/0.png").width(), 21);
  EXPECT_TRUE(fs::exists(folder_ / "drawn/a.tif.pages/1.png"));
  EXPECT_EQ(run("detect a.tif --all-frames --draw --out x.mp4").exit_code, 2);
  EXPECT_THAT(run("detect a.tif --all-frames --draw --out x.png").errors,
              HasSubstr("pages are written as an image each: name a folder"));
  fs::copy_file(testing::fixture_folder() / "images/animated.gif", folder_ / "a.gif");
  EXPECT_THAT(run("detect a.gif --all-frames --draw --out x.png").errors,
              HasSubstr("frames are written as a video: name an .mp4"));
}

TEST_F(Videos, ResumeWhereTheyWereInterrupted) {
  ASSERT_EQ(run("detect portrait.jpg video.mp4 --output whole.jsonl").exit_code, 0);
  const std::string text = content("whole.jsonl");
  std::vector<json> whole;
  for (const std::string& line : lines_of(text)) whole.push_back(json::parse(line));
  std::size_t cut = 0;
  for (int i = 0; i < 22; ++i) cut = text.find('\n', cut) + 1;
  write("r.jsonl", text.substr(0, cut + 40));
  EXPECT_EQ(run("detect portrait.jpg video.mp4 --output r.jsonl --resume").exit_code, 0);
  const auto resumed = lines_of(content("r.jsonl"));
  ASSERT_EQ(resumed.size(), whole.size());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(json::parse(resumed[i])["faces"], whole[i]["faces"]) << i;  // tracks as well
  }
  // With nothing left to do, nothing is done.
  EXPECT_EQ(run("detect portrait.jpg video.mp4 --output r.jsonl --resume").exit_code, 0);
  EXPECT_EQ(lines_of(content("r.jsonl")).size(), whole.size());
  // A drawn video that is not there is made as a whole; one of which there is a part cannot be gone
  // on with.
  write("r.jsonl", text.substr(0, cut));
  fs::remove(folder_ / "r.jsonl.request");
  const std::string draw = "detect video.mp4 --output r.jsonl --resume --out d --draw";
  EXPECT_EQ(run(draw).exit_code, 0);
  EXPECT_EQ(video::VideoReader((folder_ / "d/video.mp4").string()).expected_frames(), kFrames);
  EXPECT_EQ(lines_of(content("r.jsonl")).size(), whole.size());
  write("r.jsonl", text.substr(0, cut));
  const CommandResult drawn = run(draw);
  EXPECT_EQ(drawn.exit_code, 1);
  EXPECT_THAT(drawn.errors, HasSubstr("video.mp4: an interrupted run has done a part"));

  run("detect video.mp4 --format wider --out w --every 4");
  fs::remove(folder_ / "w/video.mp4/000012_0.480s.txt");
  EXPECT_THAT(run("detect video.mp4 --format wider --out w --every 4 --resume --verbose").errors,
              HasSubstr("1 image or frame"));
  fs::remove(folder_ / "r.jsonl.request");
  write("r.jsonl", R"({"image": "video.mp4", "frame": "first", "faces": []})"
                   "\n");
  EXPECT_THAT(run("detect video.mp4 --output r.jsonl --resume").errors,
              HasSubstr("r.jsonl: expected lines"));
}

TEST_F(Videos, WhoseOutputsWereDeletedAreMadeAgain) {
  write_video(folder_ / "short.mp4", 8);
  const std::string command = "detect short.mp4 -o r.jsonl --draw --crops --out d --resume";
  ASSERT_EQ(run(command).exit_code, 0);
  const std::string results = content("r.jsonl");
  std::vector<fs::path> crops;
  for (const auto& entry : fs::directory_iterator(folder_ / "d/short.mp4.faces")) {
    crops.push_back(entry.path());
  }
  ASSERT_GT(crops.size(), 1U);
  const auto written = fs::last_write_time(folder_ / "d/short.mp4");
  EXPECT_EQ(run(command).exit_code, 0);
  EXPECT_EQ(fs::last_write_time(folder_ / "d/short.mp4"), written);
  for (const fs::path& deleted : {folder_ / "d/short.mp4", crops.back()}) {
    const std::string before = content(fs::relative(deleted, folder_.path()));
    ASSERT_TRUE(fs::remove(deleted));
    EXPECT_EQ(run(command).exit_code, 0);
    // A crop is named by its track, which is the same again.
    EXPECT_EQ(content(fs::relative(deleted, folder_.path())), before);
    EXPECT_EQ(content("r.jsonl"), results);
  }
}

TEST_F(Videos, ThatAreDamagedKeepWhatCameBefore) {
  {  // Matroska, which can be read without its end
    video::VideoWriter writer(folder_ / "whole.mkv", kWidth, kHeight, {.frames_per_s = kRate});
    for (int i = 0; i < kFrames; ++i) writer.write(frame_of(i), i / kRate);
    writer.finish();
  }
  const std::string whole = content("whole.mkv");
  write("cut.mkv", whole.substr(0, whole.size() * 8 / 10));
  write("empty.mp4", "");
  write("text.avi", "no video\n");
  const CommandResult result =
      run("detect cut.mkv empty.mp4 portrait.jpg text.avi none.mov video.mp4 --every 10 "
          "--out o --draw --threads 2");
  EXPECT_EQ(result.exit_code, 1);
  const auto errors = lines_of(result.errors);
  ASSERT_EQ(errors.size(), 4U) << result.errors;
  EXPECT_THAT(errors[0], HasSubstr("cut.mkv: truncated or corrupt after frame"));
  EXPECT_THAT(errors[1], HasSubstr("empty.mp4: expected a video, found nothing: it is empty"));
  EXPECT_THAT(errors[2], HasSubstr("text.avi: expected a video"));
  EXPECT_THAT(errors[3], HasSubstr("none.mov: no such file"));
  std::map<std::string, int> lines;
  for (const std::string& line : lines_of(result.output)) ++lines[json::parse(line)["image"]];
  EXPECT_GE(lines["cut.mkv"], 2);
  EXPECT_LT(lines["cut.mkv"], 6);
  EXPECT_EQ(lines["video.mp4"], 6);
  EXPECT_EQ(lines["portrait.jpg"], 1);
  video::VideoReader reader((folder_ / "o/cut.mkv").string());
  int frames = 0;
  while (reader.next()) ++frames;
  EXPECT_EQ(frames, lines["cut.mkv"]);
}

TEST_F(Videos, AnInterruptionEndsTheDrawnVideo) {
  write_video(folder_ / "long.mp4", 500);
  const CommandResult result =
      run("'" RETINAFACE_PROGRAM
          "' detect long.mp4 --out drawn.mp4 --draw --output r.jsonl & pid=$!; "
          "while kill -0 $pid && [ ! -s r.jsonl ]; do sleep 0.02; done; kill -INT $pid; wait $pid; "
          "echo $?");
  EXPECT_EQ(result.output, "130\n");
  EXPECT_THAT(result.errors, HasSubstr("interrupted after "));
  const auto lines = lines_of(content("r.jsonl"));
  EXPECT_LT(lines.size(), 500U);
  video::VideoReader reader((folder_ / "drawn.mp4").string());
  std::size_t frames = 0;
  while (reader.next()) ++frames;
  EXPECT_EQ(frames, lines.size());
  EXPECT_EQ(reader.damage(), "");
}

TEST_F(Videos, CostNothingWhereThereIsNone) {
  const CommandResult linked = run("ldd '" RETINAFACE_PROGRAM "'");
  EXPECT_THAT(linked.output, ::testing::Not(HasSubstr("libav")));
  EXPECT_THAT(linked.output, ::testing::Not(HasSubstr("libswscale")));
  const CommandResult loaded = run("LD_DEBUG=files detect portrait.jpg");
  EXPECT_THAT(loaded.errors, HasSubstr("libwebp"));
  EXPECT_THAT(loaded.errors, ::testing::Not(HasSubstr("libav")));
}

TEST_F(Videos, SayWhichLibraryIsMissing) {
  fs::create_directory(folder_ / "lib");
  for (const std::string name : {"libavformat.so", "libswscale.so"}) {
    // Whatever its number; what is empty cannot be loaded.
    for (int number = 50; number < 70; ++number) write(fmt::format("lib/{}.{}", name, number), "");
  }
  const CommandResult result = run("LD_LIBRARY_PATH=$PWD/lib detect video.mp4 portrait.jpg");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(lines_of(result.output).size(), 1U);
  EXPECT_THAT(result.errors, HasSubstr("video.mp4: videos need libavformat.so."));
  EXPECT_THAT(result.errors, HasSubstr("apt-get install libavformat"));
}

TEST_F(Videos, RefuseWhatDoesNotGoTogether) {
  for (const char* command :
       {"detect video.mp4 --every 0", "detect portrait.jpg --out a.mp4 --draw",
        "detect video.mp4 video.mp4 --out a.mp4 --draw",
        "detect video.mp4 --out a.mp4 --format wider"}) {
    EXPECT_EQ(run(command).exit_code, 2) << command;
  }
  const std::string before = content("video.mp4");
  const CommandResult onto_itself = run("detect video.mp4 --out video.mp4 --draw");
  EXPECT_EQ(onto_itself.exit_code, 1);
  EXPECT_EQ(lines_of(onto_itself.errors).size(), 1U) << onto_itself.errors;
  EXPECT_EQ(content("video.mp4"), before);
  EXPECT_THAT(run("detect - < video.mp4").errors, HasSubstr("found a video"));
  EXPECT_THAT(run("detect /dev/video99").errors, HasSubstr("/dev/video99: "));
  EXPECT_THAT(run("detect rtsp://127.0.0.1:9/none?x=1").errors,
              HasSubstr("rtsp://127.0.0.1:9/none?x=1: "));
}

}  // namespace
}  // namespace retinaface

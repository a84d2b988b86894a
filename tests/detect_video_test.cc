// `retinaface detect` on videos, and on what else has frames: what it reads and what it finds.

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/retinaface.h"

#include "geometry/box.h"
#include "support/made_videos.h"
#include "support/output_schema.h"
#include "support/testing.h"
#include "video/video_reader.h"
#include "video/video_writer.h"

namespace retinaface {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::box_of;
using testing::calm_background;
using testing::CommandResult;
using ::testing::ElementsAre;
using testing::face_at;
using ::testing::HasSubstr;
using testing::kFrames;
using testing::kHeight;
using testing::kRate;
using testing::kWidth;
using testing::lines_of;
using testing::places;
using testing::still_frame;
using ::testing::UnorderedElementsAre;
using testing::Videos;

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

// Everything that `retinaface detect` takes and writes besides plain lines for plain files.

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/retinaface.h"

#include "support/output_schema.h"
#include "support/program_folder.h"
#include "support/testing.h"

namespace retinaface {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::CommandResult;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::lines_of;
using testing::sample_folder;

class DetectOutputs : public testing::ProgramFolder {
 protected:
  DetectOutputs() {
    for (const char* name : {"portrait.jpg", "turned.jpg", "crowd.webp"}) {
      fs::copy_file(sample_folder() / name, folder_ / name);
    }
  }
};

std::vector<std::string> images_of(const std::string& output) {
  std::vector<std::string> images;
  for (const std::string& line : lines_of(output)) images.push_back(json::parse(line)["image"]);
  return images;
}

TEST_F(DetectOutputs, LinesFollowTheSchema) {
  const json schema = testing::output_schema();
  const auto lines = lines_of(run("detect crowd.webp portrait.jpg").output);
  ASSERT_EQ(lines.size(), 2U);
  for (const std::string& line : lines)
    EXPECT_EQ(testing::schema_fault(schema, json::parse(line), "line"), "");
  json bad = json::parse(lines[0]);
  bad["faces"][0]["box"].erase(0);
  EXPECT_EQ(testing::schema_fault(schema, bad, "line"), "line.faces[].box is too short");
}

TEST_F(DetectOutputs, GivesTheQualityOfFacesWhereItIsAskedFor) {
  const json schema = testing::output_schema();
  const json plain = json::parse(run("detect portrait.jpg").output);
  json line = json::parse(run("detect portrait.jpg --face-quality").output);
  EXPECT_EQ(testing::schema_fault(schema, line, "line"), "");
  json& face = line["faces"][0];
  EXPECT_GT(face["quality"]["score"], 0.7);
  EXPECT_FALSE(face.contains("mesh"));
  // The pose is the mesh's where there is one, by the same key.
  const json dense = json::parse(run("detect portrait.jpg --face-quality --mesh").output);
  EXPECT_EQ(testing::schema_fault(schema, dense, "line"), "");
  const json mesh = json::parse(run("detect portrait.jpg --mesh").output);
  EXPECT_EQ(dense["faces"][0]["pose"], mesh["faces"][0]["pose"]);
  EXPECT_NE(face["pose"], mesh["faces"][0]["pose"]);
  EXPECT_LT(
      std::abs(face["pose"]["yaw"].get<double>() - mesh["faces"][0]["pose"]["yaw"].get<double>()),
      10);
  // With the points of the mesh alone, the pose is that of the five.
  const json points = json::parse(run("detect portrait.jpg --face-quality --landmarks 68").output);
  EXPECT_TRUE(points["faces"][0].contains("pose"));
  for (const char* key : {"quality", "pose"}) face.erase(key);
  EXPECT_EQ(line["faces"], plain["faces"]);
  EXPECT_EQ(run("detect portrait.jpg --face-quality --format csv").exit_code, 2);
}

TEST_F(DetectOutputs, GivesMeshesWhereTheyAreAskedFor) {
  const json schema = testing::output_schema();
  const json plain = json::parse(run("detect portrait.jpg").output);
  const CommandResult result =
      run("detect portrait.jpg --mesh --landmarks 68 --mesh-out meshes --out drawn --draw "
          "--draw-style wireframe");
  json line = json::parse(result.output);
  EXPECT_EQ(testing::schema_fault(schema, line, "line"), "") << result.errors;
  json& face = line["faces"][0];
  EXPECT_EQ(face["mesh"]["vertices"].size(), 1024U);
  EXPECT_EQ(face["landmarks_68"].size(), 68U);
  EXPECT_LT(std::abs(face["pose"]["yaw"].get<double>()), 30);
  EXPECT_THAT(content("meshes/portrait.jpg.meshes/0.obj"), HasSubstr("\nf "));
  EXPECT_THAT(content("meshes/portrait.jpg.meshes/0.ply"), HasSubstr("element vertex 1024"));
  EXPECT_NE(content("drawn/portrait.jpg"), "");
  for (const char* key : {"mesh", "landmarks_68", "pose"}) face.erase(key);
  EXPECT_EQ(line["faces"], plain["faces"]);

  const json points = json::parse(run("detect portrait.jpg --landmarks 68").output)["faces"][0];
  EXPECT_TRUE(points.contains("landmarks_68"));
  EXPECT_FALSE(points.contains("mesh"));
  EXPECT_EQ(run("detect portrait.jpg --mesh --format csv").exit_code, 2);
  const auto lonely = run("detect portrait.jpg --mesh-refine");
  EXPECT_EQ(lonely.exit_code, 2);
  EXPECT_THAT(lonely.errors,
              HasSubstr("--mesh-refine: expected --mesh, --mesh-out, --landmarks 68"));
  EXPECT_EQ(run("detect portrait.jpg --draw-style shaded").exit_code, 2);
  EXPECT_EQ(run("detect portrait.jpg --landmarks 7").exit_code, 2);
  // Its own files are written anew; others stay.
  EXPECT_EQ(run("detect portrait.jpg --mesh-out meshes").exit_code, 0);
  write("meshes/portrait.jpg.meshes/0.obj", "somebody's");
  EXPECT_EQ(run("detect portrait.jpg --mesh-out meshes").exit_code, 1);
  EXPECT_EQ(content("meshes/portrait.jpg.meshes/0.obj"), "somebody's");
}

TEST_F(DetectOutputs, TakesBytesListsAndPatterns) {
  const CommandResult bytes = run("detect - < portrait.jpg");
  ASSERT_EQ(lines_of(bytes.output).size(), 1U) << bytes.errors;
  const json from_bytes = json::parse(bytes.output);
  EXPECT_EQ(from_bytes["image"], "-");
  EXPECT_EQ(from_bytes["faces"], json::parse(run("detect portrait.jpg").output)["faces"]);

  write("list.txt", "turned.jpg\r\n\nportrait.jpg\n");
  EXPECT_THAT(images_of(run("detect --list list.txt").output),
              ElementsAre("turned.jpg", "portrait.jpg"));
  EXPECT_THAT(images_of(run("printf 'portrait.jpg\\n' | detect --list - turned.jpg").output),
              ElementsAre("turned.jpg", "portrait.jpg"));
  EXPECT_THAT(images_of(run("detect '*.jpg'").output), ElementsAre("portrait.jpg", "turned.jpg"));
  write("odd[1].jpg", content("portrait.jpg"));
  EXPECT_THAT(images_of(run("detect 'odd[1].jpg'").output), ElementsAre("odd[1].jpg"));

  const CommandResult none = run("detect 'none*.jpg' portrait.jpg");
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.errors, HasSubstr("none*.jpg: "));
  EXPECT_EQ(lines_of(none.output).size(), 1U);
  EXPECT_EQ(run("printf 'no image' | detect -").exit_code, 1);
}

TEST_F(DetectOutputs, SelectsFaces) {
  const auto faces = [&](const std::string& options) {
    return json::parse(run("detect crowd.webp " + options).output)["faces"];
  };
  const json all = faces("");
  const json best = faces("--max-faces 3");
  ASSERT_EQ(best.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(best[i], all[i]);
  const json large = faces("--min-size 40");
  EXPECT_GT(large.size(), 0U);
  EXPECT_LT(large.size(), all.size());
  for (const json& face : large) {
    const auto box = face["box"].get<std::vector<double>>();
    EXPECT_GE(std::min(box[2] - box[0], box[3] - box[1]), 39.98);
  }
}

TEST_F(DetectOutputs, WritesCsv) {
  fs::copy_file(sample_folder() / "portrait.jpg", folder_ / "a \"b\", c.jpg");
  const auto lines = lines_of(run("detect 'a \"b\", c.jpg' --format csv").output);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(std::ranges::count(lines[0], ','), 20);
  EXPECT_TRUE(lines[1].ends_with(",,,"));  // neither frame nor time nor track
  EXPECT_THAT(lines[1], ::testing::StartsWith("\"a \"\"b\"\", c.jpg\",512,512,0.9"));
  const json face = json::parse(run("detect portrait.jpg").output)["faces"][0];
  EXPECT_THAT(lines[1], HasSubstr(fmt::format(",{:.2f},", face["box"][0].get<double>())));
}

TEST_F(DetectOutputs, WritesCoco) {
  const json coco =
      json::parse(run("detect portrait.jpg no.jpg crowd.webp --format coco 2>/dev/null").output);
  ASSERT_EQ(coco["images"].size(), 2U);
  EXPECT_EQ(coco["images"][1]["file_name"], "crowd.webp");
  const json face = json::parse(run("detect portrait.jpg").output)["faces"][0];
  const json& first = coco["annotations"][0];
  EXPECT_EQ(first["image_id"], 0);
  EXPECT_EQ(first["bbox"][0], face["box"][0]);
  EXPECT_NEAR(first["bbox"][2].get<double>(),
              face["box"][2].get<double>() - face["box"][0].get<double>(), 0.011);
  EXPECT_EQ(first["keypoints"].size(), 15U);
  EXPECT_EQ(coco["annotations"].back()["image_id"], 1);
  EXPECT_EQ(json::parse(run("detect no.jpg --format coco 2>/dev/null").output)["images"].size(),
            0U);
}

TEST_F(DetectOutputs, WritesImagesOfFaces) {
  const CommandResult result =
      run("detect portrait.jpg crowd.webp --out o --blur --crops --aligned --max-faces 2");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  for (const char* name : {"portrait.jpg.faces/0.png", "crowd.webp.faces/1.png"}) {
    const Image crop = read_image(folder_ / "o" / name);
    EXPECT_GT(crop.width(), 20) << name;
  }
  EXPECT_FALSE(fs::exists(folder_ / "o/portrait.jpg.faces/1.png"));
  // The detector finds the aligned face where it belongs.
  const Image aligned = read_image(folder_ / "o/portrait.jpg.aligned/0.png");
  ASSERT_EQ(aligned.width(), kAlignedSide);
  const auto faces = Detector().detect(aligned, {.min_score = 0.3F});
  ASSERT_EQ(faces.size(), 1U);
  for (std::size_t k = 0; k < 5; ++k) {
    EXPECT_NEAR(faces[0].landmarks[k].x, kAlignedLandmarks[k].x, 6);
    EXPECT_NEAR(faces[0].landmarks[k].y, kAlignedLandmarks[k].y, 6);
  }
  // And no face where it was blurred.
  const auto blurred = Detector().detect(read_image(folder_ / "o/portrait.jpg"));
  EXPECT_TRUE(blurred.empty() || blurred[0].score < 0.9F);
}

TEST_F(DetectOutputs, GoByTheExtensionUnlessToldOtherwise) {
  run("detect portrait.jpg turned.jpg -o a.json");
  EXPECT_EQ(json::parse(content("a.json")).size(), 2U);
  EXPECT_EQ(run("detect portrait.jpg -o a.json").exit_code, 0);  // known as its own
  run("detect portrait.jpg -o a.CSV");
  EXPECT_EQ(content("a.CSV").substr(0, 12), "image,width,");
  run("detect portrait.jpg -o b.csv --format jsonl");
  EXPECT_EQ(images_of(content("b.csv")), std::vector<std::string>{"portrait.jpg"});
  run("detect portrait.jpg -o c.json --format coco");
  EXPECT_TRUE(json::parse(content("c.json")).contains("annotations"));
}

TEST_F(DetectOutputs, NamesThatAreNotUtf8CanBeReadBackAndResumed) {
  fs::rename(folder_ / "portrait.jpg", folder_ / "caf\xE9.jpg");
  EXPECT_EQ(run("detect caf*.jpg turned.jpg -o r.jsonl").exit_code, 0);
  EXPECT_EQ(images_of(content("r.jsonl")),
            (std::vector<std::string>{"caf\\xE9.jpg", "turned.jpg"}));
  EXPECT_THAT(run("detect caf*.jpg turned.jpg -o r.jsonl --resume --verbose").errors,
              HasSubstr("2 done before"));
  EXPECT_THAT(run("detect caf*.jpg --format csv").output, HasSubstr("caf\\xE9.jpg,"));
  EXPECT_EQ(run("printf 'turned.jpg\\0caf\\351.jpg\\0' | detect --list - --null | wc -l").output,
            "2\n");
}

TEST_F(DetectOutputs, ASearchSaysWhatItLeavesOut) {
  write("notes.txt", "x");
  const CommandResult result = run("detect . -o r.jsonl");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.errors, "retinaface: 1 file left out: 1 .txt\n");
  EXPECT_EQ(run("detect . -o r.jsonl --quiet").errors, "");
}

TEST_F(DetectOutputs, TakesTheLongestNamesOfFiles) {
  const std::string name = std::string(250, 'n') + ".jpg";
  fs::rename(folder_ / "portrait.jpg", folder_ / name);
  // Those that an ending would make longer than file systems take are cut.
  const CommandResult result =
      run("detect " + name + " --draw --crops --aligned --out o --mesh-out meshes -o " +
          std::string(249, 'r') + ".jsonl");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_TRUE(fs::exists(folder_ / "o" / name));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "o"), {}), 3);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "meshes"), {}), 1);
}

TEST_F(DetectOutputs, LeavesNoPartOfAVideoWhereNobodyReadsItsResults) {
  fs::copy_file(testing::fixture_folder() / "videos/bt709.mp4", folder_ / "v.mp4");
  const CommandResult result =
      run("(detect $(yes v.mp4 | head -n 30) --draw --out o; echo $? >&2) | head -n 1 > /dev/null");
  EXPECT_EQ(result.errors, "141\n");
  for (const auto& entry : fs::directory_iterator(folder_ / "o")) {
    EXPECT_NE(entry.path().extension(), ".part");
  }
}

TEST_F(DetectOutputs, AReaderWhoLeavesWithAllThatIsWrittenIsNoFailure) {
  EXPECT_EQ(run("(detect portrait.jpg; echo $? >&2) | head -n 1 > /dev/null").errors, "0\n");
}

TEST_F(DetectOutputs, OneImageMayNameItsFile) {
  EXPECT_EQ(run("detect portrait.jpg --draw --out new/drawn.jpg").exit_code, 0);
  EXPECT_EQ(read_image(folder_ / "new/drawn.jpg").width(),
            read_image(folder_ / "portrait.jpg").width());
  EXPECT_EQ(run("detect portrait.jpg --draw --out drawn.jpg --jpeg-quality 30").exit_code, 0);
  EXPECT_LT(fs::file_size(folder_ / "drawn.jpg"), fs::file_size(folder_ / "new/drawn.jpg") / 2);
  for (const char* wrong : {"portrait.jpg turned.jpg --draw", "portrait.jpg --crops",
                            "portrait.jpg --crops --draw", "portrait.jpg --format wider"}) {
    EXPECT_EQ(run(std::string("detect --out x.png ") + wrong).exit_code, 2) << wrong;
  }
  EXPECT_THAT(run("detect portrait.jpg --draw --out portrait.jpg --overwrite").errors,
              HasSubstr("is an input"));
}

TEST_F(DetectOutputs, AlignedFacesMayBeLargerWithAMargin) {
  run("detect portrait.jpg --aligned --align-size 224 --out o");
  const Image aligned = read_image(folder_ / "o/portrait.jpg.aligned/0.png");
  ASSERT_EQ(aligned.width(), 224);
  const auto faces = Detector().detect(aligned);
  ASSERT_EQ(faces.size(), 1U);
  for (std::size_t k = 0; k < 5; ++k) {  // twice the size, three quarters of it, an eighth away
    EXPECT_NEAR(faces[0].landmarks[k].x, 1.5F * kAlignedLandmarks[k].x + 28, 11);
    EXPECT_NEAR(faces[0].landmarks[k].y, 1.5F * kAlignedLandmarks[k].y + 28, 11);
  }
  EXPECT_NEAR(faces[0].landmarks[1].x - faces[0].landmarks[0].x,
              1.5F * (kAlignedLandmarks[1].x - kAlignedLandmarks[0].x), 5);
}

TEST_F(DetectOutputs, OnATerminalALineAtTheEndSaysWhatWasDone) {
  const auto on_terminal = [&](const std::string& arguments) {
    return run("script -qec \"'" RETINAFACE_PROGRAM "' detect portrait.jpg turned.jpg -o t.jsonl " +
               arguments + "\" /dev/null")
        .output;
  };
  EXPECT_THAT(on_terminal(""), HasSubstr("retinaface: 2 images, 2 faces, "));
  EXPECT_THAT(on_terminal("--quiet"), ::testing::Not(HasSubstr("2 images")));
  EXPECT_EQ(run("detect portrait.jpg").errors, "");
}

TEST_F(DetectOutputs, ResumesWhatWasInterrupted) {
  const std::string whole = run("detect portrait.jpg turned.jpg crowd.webp").output;
  const auto same_faces = [](const std::string& a, const std::string& b) {
    const auto x = lines_of(a);
    const auto y = lines_of(b);
    ASSERT_EQ(x.size(), y.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      EXPECT_EQ(json::parse(x[i])["faces"], json::parse(y[i])["faces"]);
    }
  };
  // Cut within the second line.
  write("r.jsonl", whole.substr(0, whole.find('\n') + 30));
  const CommandResult result =
      run("detect portrait.jpg turned.jpg crowd.webp --output r.jsonl --resume --verbose");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.errors, HasSubstr("1 done before"));
  same_faces(content("r.jsonl"), whole);

  write("r.jsonl", "no line of ours\n");
  const CommandResult refused = run("detect portrait.jpg --output r.jsonl --resume");
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.errors, HasSubstr("r.jsonl: expected lines"));
  EXPECT_EQ(content("r.jsonl"), "no line of ours\n");

  fs::create_directories(folder_ / "in/event");
  fs::rename(folder_ / "portrait.jpg", folder_ / "in/event/a.jpg");
  fs::rename(folder_ / "turned.jpg", folder_ / "in/event/b.jpg");
  run("detect in/event/a.jpg --format wider --out w");
  EXPECT_THAT(run("detect in --format wider --out w --resume --verbose").errors,
              HasSubstr("1 image, "));
}

TEST_F(DetectOutputs, ResumesOnlyWhatWasAskedForAlike) {
  const std::string begun = "detect portrait.jpg -o r.jsonl";
  EXPECT_EQ(run(begun + " --min-score 0.7").exit_code, 0);
  const std::string before = content("r.jsonl");
  const std::pair<const char*, const char*> others[] = {
      {"--min-score 0.3", "--min-score 0.3"},
      {"--min-score 0.7 --draw --out o", "--draw"},
      {"--min-score 0.7 --max-faces 1", "--max-faces 1"},
      {"--min-score 0.7 --model m.safetensors", "m.safetensors"}};
  run("retinaface export mnet025 --format safetensors -o m.safetensors");
  for (const auto& [options, named] : others) {
    const CommandResult refused = run(begun + " turned.jpg --resume " + options);
    EXPECT_EQ(refused.exit_code, 1) << options;
    EXPECT_EQ(lines_of(refused.errors).size(), 1U) << refused.errors;
    EXPECT_THAT(refused.errors, ::testing::AllOf(HasSubstr(named), HasSubstr("r.jsonl"),
                                                 HasSubstr("without --resume")));
    EXPECT_EQ(content("r.jsonl"), before) << options;
  }
  EXPECT_EQ(run(begun + " turned.jpg --resume --min-score 0.7").exit_code, 0);
  EXPECT_EQ(lines_of(content("r.jsonl")).size(), 2U);

  fs::remove(folder_ / "r.jsonl.request");
  const CommandResult old = run(begun + " turned.jpg --resume --min-score 0.3");
  EXPECT_EQ(old.exit_code, 0);
  EXPECT_THAT(old.errors, HasSubstr("does not say with which options"));

  EXPECT_EQ(run("detect portrait.jpg --format wider --out w").exit_code, 0);
  const CommandResult wider =
      run("detect portrait.jpg --format wider --out w --resume --min-score 0.3");
  EXPECT_EQ(wider.exit_code, 1);
  EXPECT_THAT(wider.errors, HasSubstr("--min-score 0.3"));
}

TEST_F(DetectOutputs, AnInterruptionKeepsWhatIsDone) {
  std::string list;
  for (int i = 0; i < 2000; ++i) list += "crowd.webp\n";
  write("list.txt", list);
  const CommandResult result = run("'" RETINAFACE_PROGRAM
                                   "' detect --list list.txt --output r.jsonl & pid=$!; "
                                   "while kill -0 $pid && [ ! -s r.jsonl ]; do sleep 0.05; done; "
                                   "kill -INT $pid; wait $pid; echo $?");
  EXPECT_EQ(result.output, "130\n");
  EXPECT_THAT(result.errors, HasSubstr("interrupted after "));
  const std::string text = content("r.jsonl");
  const auto lines = lines_of(text);
  EXPECT_LT(lines.size(), 2000U);
  EXPECT_TRUE(text.ends_with("\n"));
  for (const std::string& line : lines) EXPECT_TRUE(json::accept(line));
}

TEST_F(DetectOutputs, AnInterruptionKeepsAnEarlierDocument) {
  ASSERT_EQ(run("detect portrait.jpg -o d.json").exit_code, 0);
  const std::string earlier = content("d.json");
  std::string list;
  for (int i = 0; i < 2000; ++i) list += "crowd.webp\n";
  write("list.txt", list);
  const CommandResult result =
      run("'" RETINAFACE_PROGRAM
          "' detect --list list.txt -o d.json & pid=$!; "
          "while kill -0 $pid && [ ! -s d.json.*.part ]; do sleep 0.05; done; "
          "kill -INT $pid; wait $pid; echo $?");
  EXPECT_EQ(result.output, "130\n");
  EXPECT_THAT(result.errors, HasSubstr("d.json: keeps the results of an earlier run"));
  EXPECT_EQ(content("d.json"), earlier);
}

TEST_F(DetectOutputs, TenThousandImagesTakeNoMoreMemoryThanAThousand) {
  RF_NEED_PLAIN_MEMORY();
  write_image(folder_ / "small.png", Image(48, 40));
  const auto kilobytes = [&](int images) {
    std::string list;
    for (int i = 0; i < images; ++i) list += "small.png\n";
    write("list.txt", list);
    const CommandResult result =
        run("'" RETINAFACE_PROGRAM
            "' detect --list list.txt --output r.jsonl & pid=$!; most=0; "
            "while kill -0 $pid 2>/dev/null; do "
            "now=$(awk '/VmHWM/ { print $2 }' /proc/$pid/status 2>/dev/null); "
            "most=${now:-$most}; sleep 0.02; done; wait $pid && echo $most");
    EXPECT_EQ(lines_of(content("r.jsonl")).size(), static_cast<std::size_t>(images));
    return std::stod(result.output);
  };
  const double thousand = kilobytes(1000);
  const double ten_thousand = kilobytes(10000);
  fmt::print("{:.1f} and {:.1f} MB\n", thousand / 1024, ten_thousand / 1024);
  EXPECT_LT(ten_thousand, thousand + 6 * 1024);  // the names themselves
}

/// Each command names one of its inputs as an output.
TEST_F(DetectOutputs, NeverReplacesAnInput) {
  // Names that say nothing of what is in them, as results may have.
  fs::copy_file(folder_ / "portrait.jpg", folder_ / "portrait");
  fs::copy_file(folder_ / "turned.jpg", folder_ / "turned");
  fs::create_symlink("portrait", folder_ / "link");
  fs::create_hard_link(folder_ / "turned", folder_ / "hard");
  fs::create_directory(folder_ / "set");
  fs::copy_file(folder_ / "portrait.jpg", folder_ / "set/portrait.jpg");
  fs::copy_file(folder_ / "portrait.jpg", folder_ / "set/plain");
  write("list", "portrait.jpg\nturned.jpg\n");
  write("set/label.txt", "# portrait.jpg\n10 10 50 50\n# plain\n10 10 50 50\n");
  EXPECT_EQ(run("retinaface export mnet025 --format safetensors -o m").exit_code, 0);
  std::map<std::string, std::string> before;
  const auto contents = [&] {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      const std::string name = fs::relative(entry.path(), folder_.path());
      if (entry.is_regular_file()) files[name] = content(name);
    }
    return files;
  };
  before = contents();
  const std::string here = folder_.path().string();
  for (const std::string& command : {
           std::string("detect portrait -o portrait --overwrite"),
           std::string("detect -o portrait turned"),
           std::string("detect portrait -o link --overwrite"),
           std::string("detect link -o portrait --overwrite"),
           std::string("detect turned -o hard --overwrite"),
           std::string("detect --list list -o list --overwrite"),
           std::string("detect --model m portrait.jpg -o m --overwrite"),
           std::string("detect turned.jpg portrait.jpg --blur --out . --overwrite"),
           std::string("detect turned.jpg --draw --out . --resume -o r.jsonl --overwrite"),
           std::string("detect portrait.jpg --crops --out o -o o/portrait.jpg.faces"),
           "detect '" + here + "/turned.jpg' --draw --out / --overwrite",
           std::string("retinaface export m --format safetensors -o m --overwrite"),
           std::string("retinaface import m -o ./m --overwrite"),
           std::string("retinaface dataset convert set --to label -o set/label.txt --overwrite"),
           std::string("retinaface dataset convert set --to coco -o set/plain --overwrite"),
           std::string("detect turned.jpg -o found --out found --draw"),
           std::string("detect turned.jpg -o found --mesh-out found"),
           std::string("retinaface dataset check set --draw 1 --out set --overwrite"),
       }) {
    const CommandResult result = run(command);
    EXPECT_NE(result.exit_code, 0) << command;
    EXPECT_EQ(lines_of(result.errors).size(), 1U) << command << "\n" << result.errors;
    EXPECT_EQ(contents(), before) << command;
  }
}

TEST_F(DetectOutputs, ReplacesItsOwnFilesAndOthersOnlyWhenTold) {
  for (const char* command :
       {"detect portrait.jpg crowd.webp -o r.jsonl --out o --draw --crops --aligned",
        "detect portrait.jpg -o r.csv --format csv", "detect portrait.jpg -o r.json --format coco",
        "detect portrait.jpg --format wider --out w", "retinaface export mnet025 -o m.onnx",
        "retinaface export mnet025 --format safetensors -o m.safetensors",
        "retinaface import m.safetensors -o n.safetensors"}) {
    EXPECT_EQ(run(command).exit_code, 0) << command;
    const CommandResult again = run(command);
    EXPECT_EQ(again.exit_code, 0) << command << "\n" << again.errors;
  }
  for (const char* name : {"r.jsonl", "r.csv", "o/portrait.jpg", "m.onnx", "n.safetensors",
                           "w/portrait.txt", "o/crowd.webp.faces/2.png"}) {
    if (fs::exists(folder_ / name)) write(name, "somebody's");
  }
  for (const std::string& command :
       {std::string("detect crowd.webp -o r.jsonl"),
        std::string("detect crowd.webp -o r.csv --format csv"),
        std::string("detect portrait.jpg --out o --draw"),
        std::string("detect crowd.webp --out o --crops"),
        std::string("retinaface export mnet025 -o m.onnx"),
        std::string("retinaface import m.safetensors -o n.safetensors")}) {
    const CommandResult result = run(command);
    EXPECT_EQ(result.exit_code, 1) << command;
    EXPECT_THAT(result.errors, HasSubstr("--overwrite")) << command;
    EXPECT_EQ(run(command + " --overwrite").exit_code, 0) << command;
  }
}

TEST_F(DetectOutputs, StopsBeforeTwoInputsShareAnOutput) {
  fs::create_directories(folder_ / "c/deep/x.jpg.faces");
  const auto copy = [&](const std::string& name) {
    fs::create_directories((folder_ / name).parent_path());
    fs::copy_file(folder_ / "portrait.jpg", folder_ / name);
  };
  for (const char* name :
       {"c/p.tif.png", "c/p.tif", "d/x.jpg", "d/x.jpg.faces/0.png", "e/a.jpg", "e/f/e/a.jpg"}) {
    copy(name);
  }
  const auto expect_refused = [&](const std::string& command, const char* a, const char* b) {
    const CommandResult result = run(command);
    EXPECT_EQ(result.exit_code, 1) << command;
    EXPECT_THAT(result.errors, ::testing::AllOf(HasSubstr(a), HasSubstr(b))) << command;
    EXPECT_FALSE(fs::exists(folder_ / "o")) << command;
  };
  expect_refused("detect c --out o --draw", "c/p.tif", "c/p.tif.png");
  expect_refused("detect d --out o --draw --crops", "d/x.jpg", "d/x.jpg.faces/0.png");
  expect_refused("cd e/f && detect e/a.jpg ../../e/a.jpg --out ../../o --draw", "e/a.jpg",
                 "../../e/a.jpg");
  EXPECT_EQ(run("detect e/a.jpg ./e/a.jpg --out o --draw").exit_code, 0);  // one and the same
}

TEST_F(DetectOutputs, RefusesWhatDoesNotGoTogether) {
  for (const char* options :
       {"--blur", "--crops", "--aligned", "--resume", "--resume --output a.csv --format csv",
        "--format wider --out w --output x", "--max-faces 0", "--min-size -1", "--max-pixels 0",
        "--out b.png --blur --draw --draw-style shaded"}) {
    EXPECT_EQ(run(std::string("detect portrait.jpg ") + options).exit_code, 2) << options;
  }
  EXPECT_EQ(run("detect").exit_code, 2);
}

}  // namespace
}  // namespace retinaface

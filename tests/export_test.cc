// `retinaface export` as a user meets it, and what ONNX Runtime makes of its files. The latter
// needs Node.js and $RETINAFACE_ONNXRUNTIME (benchmarks/onnx_runtime.mjs says how to set it up);
// and what OpenCV makes of those of one size (tests/opencv_dnn.py).

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "interchange/import.h"
#include "models/catalogue.h"
#include "models/load_model.h"
#include "runtime/backends/backends.h"
#include "runtime/reference/reference.h"
#include "runtime/testing.h"
#include "support/onnx_evaluation.h"
#include "support/testing.h"

namespace retinaface {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::CommandResult;
using testing::data_folder;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

constexpr double kTolerance = 1e-4;  // of the largest value

CommandResult export_model(const std::string& options) {
  return testing::run("'" RETINAFACE_PROGRAM "' export " + options);
}

std::string quoted(const fs::path& path) {
  return "'" + path.string() + "'";
}

std::string model_in(const fs::path& file) {
  const auto model = testing::checked_onnx(read_file(file));
  for (const auto& entry : model.metadata_props()) {
    if (entry.key() == "model") return entry.value();
  }
  return "";
}

TEST(ExportCommand, TheDefaultModelIsExportedWhenNoneIsNamed) {
  const TemporaryFolder folder;
  const CommandResult result = export_model("--format onnx -o " + quoted(folder / "a.onnx"));
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("a.onnx: mnet025, 253 tensors"));
  EXPECT_EQ(model_in(folder / "a.onnx"), "mnet025");
}

TEST(ExportCommand, AFileOfTheModelBecomesTheSameNetwork) {
  const TemporaryFolder folder;
  const std::string weights = quoted(folder / "a.safetensors");
  EXPECT_EQ(export_model("--format safetensors -o " + weights).exit_code, 0);
  EXPECT_EQ(models::load_model(folder / "a.safetensors").model->name, "mnet025");
  EXPECT_EQ(export_model("-o " + quoted(folder / "a.onnx")).exit_code, 0);
  EXPECT_EQ(export_model(weights + " -o " + quoted(folder / "b.onnx")).exit_code, 0);
  EXPECT_EQ(read_file(folder / "a.onnx"), read_file(folder / "b.onnx"));
}

TEST(ExportCommand, RandomWeightsFollowFromTheSeedAlone) {
  const TemporaryFolder folder;
  const auto random = [&](const std::string& options) {
    EXPECT_EQ(export_model("mnet025 " + options + " -o " + quoted(folder / "r.onnx")).exit_code, 0);
    return read_file(folder / "r.onnx");
  };
  const auto seven = random("--init random --seed 7");
  EXPECT_EQ(seven, random("--init random --seed 7"));
  EXPECT_NE(seven, random("--init random --seed 8"));
  EXPECT_EQ(random("--init random"), random("--init random --seed 0"));
  EXPECT_EQ(model_in(folder / "r.onnx"), "mnet025");
}

TEST(ExportCommand, SaysWhatIsWrongAndWritesNothing) {
  const TemporaryFolder folder;
  const auto expect = [&](const std::string& options, int code, const std::string& text) {
    const CommandResult result = export_model(options + " -o " + quoted(folder / "x.onnx"));
    EXPECT_EQ(result.exit_code, code) << options;
    EXPECT_THAT(result.errors, HasSubstr(text)) << options;
  };
  expect("--format tflite", 2, "tflite");
  expect("--with-nms", 2, "--with-nms: expected --size beside it");
  expect("--size 640", 2, "--size: expected WIDTHxHEIGHT like 640x480, found '640'");
  expect("--batch 2", 2, "--batch: expected --size beside it");
  expect("--seed 3", 2, "--seed: expected --init random beside it");
  expect("mnet", 1, "no model is called 'mnet'");
  expect("mnet --init random", 1, "no model is called 'mnet'");
  expect(quoted(folder / "none.safetensors"), 1, "none.safetensors");
  expect(quoted(testing::sample_folder() / "label.txt"), 1, "label.txt");
  EXPECT_TRUE(fs::is_empty(folder.path()));
  EXPECT_EQ(export_model("mnet025").exit_code, 2);
  EXPECT_EQ(export_model("-o " + quoted(folder / "no/such/folder.onnx")).exit_code, 1);
}

std::vector<float> read_floats(const fs::path& path) {
  const auto bytes = read_file(path);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

/// Somebody else's reader of ONNX files.
class Peer : public ::testing::Test {
 protected:
  /// `command` runs a file as benchmarks/onnx_runtime.mjs says.
  explicit Peer(std::string command) : command_(std::move(command)) {}

  /// The named outputs for one image.
  std::map<std::string, std::vector<float>> run(const fs::path& model, std::int64_t height,
                                                std::int64_t width,
                                                std::span<const float> image) const {
    std::ofstream(folder_ / "input.f32", std::ios::binary)
        .write(reinterpret_cast<const char*>(image.data()),
               static_cast<std::streamsize>(image.size_bytes()));
    const std::string prefix = (folder_ / "output").string();
    const CommandResult result =
        testing::run(fmt::format("{} run '{}' 1 {} {} '{}' '{}'", command_, model.string(), height,
                                 width, (folder_ / "input.f32").string(), prefix));
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    std::map<std::string, std::vector<float>> outputs;
    if (result.exit_code != 0) return outputs;
    const json shapes = json::parse(result.output);
    for (const auto& [name, shape] : shapes.items()) {
      outputs[name] = read_floats(prefix + "." + name + ".f32");
    }
    return outputs;
  }

  /// Runs the exported file on noise, and compares with a runtime of ours.
  void expect_equal(const models::LoadedModel& model, const fs::path& file,
                    runtime::Session& session, std::int64_t height, std::int64_t width) const {
    SCOPED_TRACE(fmt::format("{} at {}x{}", model.model->name, height, width));
    const auto maps = runtime::testing::outputs_for_noise(model.graph, session, height, width, 3);
    std::mt19937_64 generator(3);
    std::uniform_real_distribution<float> noise(-1, 1);
    std::vector<float> image(static_cast<std::size_t>(3 * height * width));
    for (float& value : image) value = noise(generator);
    const auto outputs = run(file, height, width, image);
    for (const auto& [head, values] :
         std::map<std::string, std::size_t>{{"cls", 2}, {"box", 4}, {"landmarks", 10}}) {
      ASSERT_TRUE(outputs.contains(head));
      std::vector<float> expected;
      for (std::size_t level = 0; level < model.model->detector().anchors.levels.size(); ++level) {
        const int index = model.graph.find_output(fmt::format("{}.{}", head, level));
        const auto& map = maps[static_cast<std::size_t>(index)];
        const std::size_t channels =
            values * model.model->detector().anchors.levels[level].sizes_px.size();
        const std::size_t cells = map.size() / channels;
        for (std::size_t cell = 0; cell < cells; ++cell) {
          for (std::size_t c = 0; c < channels; ++c) expected.push_back(map[c * cells + cell]);
        }
      }
      EXPECT_LT(runtime::testing::relative_difference(outputs.at(head), expected), kTolerance)
          << head;
    }
  }

  const TemporaryFolder folder_;

 private:
  const std::string command_;
};

class OnnxRuntime : public Peer {
 protected:
  OnnxRuntime() : Peer("node '" RETINAFACE_ONNX_RUNTIME "'") {}

  void SetUp() override {
    if (std::getenv("RETINAFACE_ONNXRUNTIME") == nullptr) {
      GTEST_SKIP() << "needs ONNX Runtime (set RETINAFACE_ONNXRUNTIME, see "
                      "benchmarks/onnx_runtime.mjs)";
    }
  }
};

class OpenCvDnn : public Peer {
 protected:
  OpenCvDnn() : Peer(python() + " '" RETINAFACE_OPENCV_DNN "'") {}

  void SetUp() override {
    if (testing::run(python() + " -c 'import cv2, numpy'").exit_code != 0) {
      GTEST_SKIP()
          << "needs OpenCV for Python (Debian's python3-opencv, or RETINAFACE_OPENCV_PYTHON "
             "with one of PyPI's, see tests/opencv_dnn.py)";
    }
  }

 private:
  static std::string python() {
    const char* const named = std::getenv("RETINAFACE_OPENCV_PYTHON");
    return named == nullptr ? "/usr/bin/python3" : quoted(named);
  }
};

TEST_F(OpenCvDnn, ComputesWhatTheDefaultModelComputesAtOneSize) {
  const models::LoadedModel model = models::load_builtin_model(models::kDefaultModel);
  const auto network = runtime::backends().make(model.graph, model.weights);
  const auto session = network->new_session();
  for (const auto& [height, width] : {std::pair(480, 640), std::pair(333, 517)}) {
    const fs::path file = folder_ / fmt::format("{}.onnx", width);
    ASSERT_EQ(
        export_model(fmt::format("--size {}x{} -o {}", width, height, quoted(file))).exit_code, 0);
    expect_equal(model, file, *session, height, width);
  }
}

TEST_F(OnnxRuntime, ComputesWhatTheDefaultModelComputes) {
  ASSERT_EQ(export_model("-o " + quoted(folder_ / "default.onnx")).exit_code, 0);
  const models::LoadedModel model = models::load_builtin_model(models::kDefaultModel);
  const auto network = runtime::backends().make(model.graph, model.weights);
  const auto session = network->new_session();
  expect_equal(model, folder_ / "default.onnx", *session, 480, 640);
  expect_equal(model, folder_ / "default.onnx", *session, 333, 517);
  expect_equal(model, folder_ / "default.onnx", *session, 61, 29);
}

TEST_F(OnnxRuntime, ComputesWhatTheOthersCompute) {
  for (const char* name : {"mnet025-light", "resnet18+dcn+shared-heads", "resnet50+dcn"}) {
    const models::Model& row = models::find_model(name);
    const graph::Graph graph = row.network.build();
    graph::Weights weights = runtime::testing::lively_weights(graph, 5);
    runtime::testing::weaken_offsets(weights);
    weights.metadata = models::metadata(row);
    graph::write_safetensors(folder_ / "lively.safetensors", weights);
    ASSERT_EQ(export_model(quoted(folder_ / "lively.safetensors") + " -o " +
                           quoted(folder_ / "lively.onnx"))
                  .exit_code,
              0);
    const models::LoadedModel model{&row, row.network.build(), {}};
    const auto network = runtime::make_reference_network(graph, weights);
    const auto session = network->new_session();
    expect_equal(model, folder_ / "lively.onnx", *session, 24, 40);
    expect_equal(model, folder_ / "lively.onnx", *session, 33, 17);
    expect_equal(model, folder_ / "lively.onnx", *session, 9, 13);
  }
}

/// A file that others have exported from the public checkpoint, fixed at 640x640.
TEST_F(OnnxRuntime, OurExportOfThePublicCheckpointIsThePublicExport) {
  RF_NEED_DATA("weights/osf_retinaface_640.onnx");
  RF_NEED_DATA("weights/mobilenet0.25_Final.pth");
  graph::write_safetensors(
      folder_ / "public.safetensors",
      interchange::import_checkpoint(data_folder() / "weights/mobilenet0.25_Final.pth",
                                     models::find_model("mnet025"), interchange::Part::kWhole));
  ASSERT_EQ(
      export_model(quoted(folder_ / "public.safetensors") + " -o " + quoted(folder_ / "ours.onnx"))
          .exit_code,
      0);
  std::mt19937_64 generator(1);
  std::uniform_real_distribution<float> noise(-100, 100);
  std::vector<float> image(3 * 640 * 640);
  for (float& value : image) value = noise(generator);
  const auto theirs = run(data_folder() / "weights/osf_retinaface_640.onnx", 640, 640, image);
  const auto ours = run(folder_ / "ours.onnx", 640, 640, image);
  ASSERT_TRUE(theirs.size() == 3 && ours.size() == 3);
  const auto expect_near = [&](const std::vector<float>& mine, const std::string& name) {
    EXPECT_GT(*std::ranges::max_element(mine), 0);
    EXPECT_LT(runtime::testing::relative_difference(mine, theirs.at(name)), kTolerance) << name;
  };
  expect_near(ours.at("box"), "output0");
  expect_near(ours.at("landmarks"), "585");
  std::vector<float> scores = ours.at("cls");  // theirs are probabilities
  for (std::size_t i = 0; i < scores.size(); i += 2) {
    const float face = 1 / (1 + std::exp(scores[i] - scores[i + 1]));
    scores[i] = 1 - face;
    scores[i + 1] = face;
  }
  expect_near(scores, "586");
}

}  // namespace
}  // namespace retinaface

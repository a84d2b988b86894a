// `--backend` and the list of backends as a user meets them.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface {
namespace {

using ::testing::AllOf;
using testing::CommandResult;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TemporaryFolder;

std::string cpu_flags() {
  std::ifstream file("/proc/cpuinfo");
  return {std::istreambuf_iterator<char>(file), {}};
}

class Backend : public ::testing::Test {
 protected:
  Backend() {
    std::ofstream image(folder_ / "noise.ppm", std::ios::binary);
    image << "P6\n72 56\n255\n";
    for (unsigned i = 0; i < 3 * 72 * 56; ++i) image.put(static_cast<char>(i * i * 31 >> 4));
  }

  /// In the temporary folder, as `ENVIRONMENT retinaface ARGUMENTS`.
  CommandResult run(const std::string& arguments, const std::string& environment = "") const {
    return testing::run("cd '" + folder_.path().string() + "' && " + environment +
                        " '" RETINAFACE_PROGRAM "' " + arguments);
  }

  /// The result of `detect` on the noise, without the time that it took.
  nlohmann::json detect(const std::string& options) const {
    const CommandResult result = run("detect noise.ppm --min-score 0 --max-faces 5 " + options +
                                     " -o out.jsonl --overwrite");
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    nlohmann::json line = nlohmann::json::parse(std::ifstream(folder_ / "out.jsonl"));
    line.erase("ms");
    return line;
  }

  const TemporaryFolder folder_;
};

TEST_F(Backend, AreListedWithWhatTheyRunOn) {
  const CommandResult result = run("models");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.output, AllOf(HasSubstr("cpu              priority 100"),
                                   HasSubstr("reference        priority 0"),
                                   HasSubstr("compare          priority 0"),
                                   HasSubstr("on cpu, float32"), HasSubstr("compare:A,B")));
}

TEST_F(Backend, ThoseThatTrainAreListedByTheProgramThatTrains) {
  const std::filesystem::path program = RETINAFACE_PROGRAM;
  const bool has_trainer = std::filesystem::exists(program.parent_path() / "retinaface-train");
  const auto hint = HasSubstr("`retinaface models --training`");
  EXPECT_THAT(run("models").output,
              has_trainer ? ::testing::Matcher<std::string>(hint) : Not(hint));

  const std::filesystem::path alone = folder_ / "retinaface";
  std::filesystem::copy_file(program, alone);
  const CommandResult plain = testing::run("'" + alone.string() + "' models");
  EXPECT_EQ(plain.exit_code, 0);
  EXPECT_THAT(plain.output, AllOf(HasSubstr("priority 100"), Not(hint)));
  const CommandResult training = testing::run("'" + alone.string() + "' models --training");
  EXPECT_EQ(training.exit_code, 1);
  EXPECT_EQ(training.output, "");
  EXPECT_THAT(training.errors, HasSubstr("this build is without the trainer"));
}

TEST_F(Backend, TheDefaultIsTheFirstOfTheList) {
  const nlohmann::json faces = detect("");
  EXPECT_EQ(faces.at("faces").size(), 5U);
  EXPECT_EQ(detect("--backend cpu"), faces);
}

TEST_F(Backend, ComparingGivesTheFirstOnesFacesAndSaysHowFarTheOtherIsOff) {
  EXPECT_EQ(detect("--backend compare"), detect(""));
  const CommandResult result = run("detect noise.ppm --backend compare:reference,cpu --quiet");
  EXPECT_EQ(result.exit_code, 0);
  std::istringstream words(result.errors.substr(result.errors.find("cls.0")));
  std::string output;
  double absolute = -1;
  double relative = -1;
  words >> output >> absolute >> relative;
  EXPECT_EQ(output, "cls.0");
  EXPECT_GT(absolute, 0);  // one computes in double precision
  EXPECT_LT(relative, 1e-4);
  for (const char* const name : {"cls.2", "box.1", "landmarks.0"}) {
    EXPECT_THAT(result.errors, HasSubstr(name));
  }
}

TEST_F(Backend, AnUnknownOneIsAnErrorThatListsThem) {
  const CommandResult result = run("detect noise.ppm --backend gpu");
  EXPECT_NE(result.exit_code, 0);
  EXPECT_THAT(result.errors,
              AllOf(HasSubstr("no backend is called 'gpu'"), HasSubstr("cpu, reference, compare")));
}

/// Processors without AVX2 have no deformable layers on the fast backend.
TEST_F(Backend, AnOperatorThatIsLackingIsNamedWithItsNode) {
  ASSERT_EQ(
      run("export resnet18+dcn --init random --format safetensors -o m.safetensors").exit_code, 0);
  const CommandResult result =
      run("detect noise.ppm --model m.safetensors", "RETINAFACE_SIMD=baseline");
  EXPECT_NE(result.exit_code, 0);
  EXPECT_THAT(result.errors,
              HasSubstr("cpu lacks the operator DeformableConvolution of the node fpn.merge"));
  EXPECT_THAT(result.errors, HasSubstr("reference"));
}

TEST_F(Backend, BuiltInModelsRunOnBytesByName) {
  const CommandResult result = run("detect noise.ppm --type int8");
  if (result.errors.find("lacks") != std::string::npos) GTEST_SKIP() << result.errors;
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_NE(detect("--type int8"), detect(""));
  EXPECT_EQ(detect("--type float32"), detect(""));
  // The same bytes from each instruction set that sums products of four.
  if (cpu_flags().find(" avx_vnni") == std::string::npos) return;
  const nlohmann::json best = detect("--type int8");
  ASSERT_EQ(run("detect noise.ppm --min-score 0 --max-faces 5 --type int8 -o avxvnni.jsonl",
                "RETINAFACE_SIMD=avxvnni")
                .exit_code,
            0);
  nlohmann::json avxvnni = nlohmann::json::parse(std::ifstream(folder_ / "avxvnni.jsonl"));
  avxvnni.erase("ms");
  EXPECT_EQ(avxvnni, best);
}

TEST_F(Backend, TypesThatCannotBeHadAreOneClearError) {
  const CommandResult processor = run("detect noise.ppm --type int8", "RETINAFACE_SIMD=baseline");
  EXPECT_EQ(processor.exit_code, 1);
  EXPECT_THAT(processor.errors, AllOf(HasSubstr("this processor lacks it"), HasSubstr("AVX2")));
  const CommandResult bfloat16 = run("detect noise.ppm --type bfloat16", "RETINAFACE_SIMD=avx2");
  EXPECT_EQ(bfloat16.exit_code, 1);
  EXPECT_THAT(bfloat16.errors,
              AllOf(HasSubstr("this processor lacks it"), HasSubstr("AVX512-BF16")));
  const CommandResult type = run("detect noise.ppm --backend reference --type bfloat16");
  EXPECT_EQ(type.exit_code, 1);
  EXPECT_THAT(type.errors, HasSubstr("not in bfloat16"));
  EXPECT_EQ(run("detect noise.ppm --type float64").exit_code, 2);
  const CommandResult unknown = run("detect noise.ppm", "RETINAFACE_SIMD=avx9");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.errors, HasSubstr("expected baseline, avx2, avxvnni or avx512, found avx9"));
  EXPECT_EQ(run("--version", "RETINAFACE_SIMD=avx9").exit_code, 1);
  EXPECT_EQ(run("detect noise.ppm --type auto", "RETINAFACE_SIMD=baseline").exit_code, 0);
}

}  // namespace
}  // namespace retinaface

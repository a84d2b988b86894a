#include "training/checkpoint.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/weights.h"
#include "support/content_of.h"
#include "support/testing.h"

namespace retinaface::training {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

std::vector<runtime::ParameterSlot> parameters() {
  return {{.name = "b.weight", .shape = {2, 1}, .offset = 0, .size = 2},
          {.name = "a.bias", .shape = {3}, .offset = 2, .size = 3}};
}

Checkpoint example() {
  Checkpoint checkpoint;
  checkpoint.step = 1'234'567'890'123;
  checkpoint.seed = 0xFFFFFFFFFFFFFFFF;
  checkpoint.run = "model = \"x\"\n# 3 images\n";
  checkpoint.best = 0.1 + 0.2;
  checkpoint.logged = {.metrics = 17, .events = 0xFFFFFFFFFF};
  checkpoint.values = {1, 2, 3, 4, 0.1F};
  checkpoint.optimizer.momenta = {5, 6, 7, 8, -0.0F};
  checkpoint.optimizer.squares = {1e-20F, 0, 3, 4, 5};
  checkpoint.average = {9, 10, 11, 12, 1e-30F};
  return checkpoint;
}

class CheckpointFile : public ::testing::Test {
 protected:
  std::string content() const { return testing::content_of(path_); }
  void write(const std::string& text) const { std::ofstream(path_, std::ios::binary) << text; }

  const testing::TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_ / "checkpoint.safetensors";
};

TEST_F(CheckpointFile, ComesBackAsWritten) {
  for (const bool whole : {true, false}) {
    Checkpoint written = example();
    if (!whole) {
      written.best.reset();
      written.average.clear();
      written.optimizer.squares.clear();
    }
    write_checkpoint(path_, written, parameters());
    const Checkpoint read = read_checkpoint(path_, parameters());
    EXPECT_EQ(read.step, written.step);
    EXPECT_EQ(read.seed, written.seed);
    EXPECT_EQ(read.run, written.run);
    EXPECT_EQ(read.best, written.best);
    EXPECT_EQ(read.logged.metrics, written.logged.metrics);
    EXPECT_EQ(read.logged.events, written.logged.events);
    EXPECT_EQ(read.values, written.values);
    EXPECT_EQ(read.optimizer.momenta, written.optimizer.momenta);
    EXPECT_EQ(read.optimizer.squares, written.optimizer.squares);
    EXPECT_EQ(read.average, written.average);
  }
}

TEST_F(CheckpointFile, CutOffAnywhereIsNamed) {
  write_checkpoint(path_, example(), parameters());
  const std::string whole = content();
  for (std::size_t length = 0; length < whole.size(); length += 7) {
    write(whole.substr(0, length));
    const Error error = error_of([&] { read_checkpoint(path_, parameters()); });
    EXPECT_EQ(error.code(), ErrorCode::kBadData) << length;
    EXPECT_THAT(error.what(), HasSubstr(path_.string())) << length;
  }
}

TEST_F(CheckpointFile, OfOtherContentIsNamed) {
  const auto message = [&] {
    const Error error = error_of([&] { read_checkpoint(path_, parameters()); });
    EXPECT_EQ(error.code(), ErrorCode::kBadData);
    EXPECT_THAT(error.what(), HasSubstr(path_.string()));
    return std::string(error.what());
  };
  graph::Weights weights;  // a model is no checkpoint
  weights.tensors.emplace("value/a.bias", graph::Tensor::of_shape({3}));
  graph::write_safetensors(path_, weights);
  EXPECT_THAT(message(), HasSubstr("retinaface training checkpoint"));

  auto other = parameters();  // of a network of other shapes
  other[0].shape = {1, 2};
  write_checkpoint(path_, example(), other);
  EXPECT_THAT(message(), HasSubstr("expected a tensor value/b.weight of shape"));

  write_checkpoint(path_, example(), parameters());
  std::string text = content();
  text.replace(text.find("1234567890123"), 1, "x");
  write(text);
  EXPECT_THAT(message(), HasSubstr("expected a number as 'step'"));

  Checkpoint checkpoint = example();
  checkpoint.step = -1;
  write_checkpoint(path_, checkpoint, parameters());
  EXPECT_THAT(message(), HasSubstr("expected a step from 0 on, found -1"));
  checkpoint = example();
  checkpoint.best = std::nan("");
  write_checkpoint(path_, checkpoint, parameters());
  EXPECT_THAT(message(), HasSubstr("expected a finite number as 'best'"));
}

}  // namespace
}  // namespace retinaface::training

#include "training/epoch_run.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/error.h"

#include "base/file.h"
#include "graph/weights.h"
#include "support/testing.h"

namespace retinaface::training {
namespace {

using ::testing::AllOf;
using testing::error_of;
using ::testing::HasSubstr;

constexpr std::int64_t kEpochs = 5;

/// Learns a few numbers in `kEpochs` epochs, of two stages.
struct Learner {
  std::vector<float> values = {1, -2, 0.5F};
  std::string description = "rate = 0.1\n# 7 numbers\n";
  float rate = 0.1F;

  /// Returns how many epochs it did.
  int run(const EpochRunOptions& options, std::int64_t epochs = kEpochs) {
    EpochRun run(options, description, epochs,
                 {{.name = "a", .shape = {2}, .offset = 0, .size = 2},
                  {.name = "b", .shape = {1}, .offset = 2, .size = 1}},
                 values, 1e-3F);
    int did = 0;
    for (std::int64_t number = run.done(); number < epochs && !run.stopped(); ++number, ++did) {
      const bool in_first = number < 2;
      const Epoch epoch = {.name = "epoch " + std::to_string(number + 1),
                           .number = number,
                           .at = static_cast<int>(in_first ? number : number - 2),
                           .of = in_first ? 2 : 3,
                           .learning_rate = rate,
                           .samples = 7,
                           .max_batch = 3};
      const double sum = run.learn(epoch, [&](std::size_t first, std::size_t count) {
        double loss = 0;
        for (std::size_t i = 0; i < values.size(); ++i) {
          const float off = values[i] - static_cast<float>(first + i);
          run.gradient()[i] = 2 * off;
          loss += static_cast<double>(count) * static_cast<double>(off * off);
        }
        return loss;
      });
      run.end_epoch(std::to_string(sum) + "\n");
    }
    return did;
  }
};

class EpochRunTest : public ::testing::Test {
 protected:
  EpochRunOptions options(const char* name) const { return {.out = folder_ / name}; }

  /// A run with one epoch that is done, to go on with.
  EpochRunOptions begun() const {
    EpochRunOptions result = options("begun");
    Learner{}.run(result, 1);
    result.resume = true;
    return result;
  }

  static std::string error(Learner learner, const EpochRunOptions& options,
                           std::int64_t epochs = kEpochs) {
    const Error error = error_of([&] { learner.run(options, epochs); });
    EXPECT_EQ(error.code(), ErrorCode::kBadData);
    return error.what();
  }

  const testing::TemporaryFolder folder_;
};

TEST_F(EpochRunTest, GoesOnBitForBit) {
  Learner straight;
  EXPECT_EQ(straight.run(options("straight")), kEpochs);
  // Cut after each epoch: what stands in memory is lost.
  EpochRunOptions cut = options("cut");
  Learner last;
  for (std::int64_t done = 0; done < kEpochs; ++done) {
    Learner learner;
    EXPECT_EQ(learner.run(cut, done + 1), 1);
    cut.resume = true;
    last = learner;
  }
  EXPECT_EQ(last.values, straight.values);
  for (const char* const file : {"checkpoint.safetensors", "metrics.jsonl"}) {
    EXPECT_EQ(read_file(folder_ / "cut" / file), read_file(folder_ / "straight" / file)) << file;
  }
}

TEST_F(EpochRunTest, GoesOnWithItsOwnRunAlone) {
  const EpochRunOptions mine = begun();
  EpochRunOptions seeded = mine;
  seeded.seed = 9;
  EXPECT_THAT(error({}, seeded),
              AllOf(HasSubstr("checkpoint.safetensors"), HasSubstr("the seed 1, not 9")));
  Learner other;
  other.description = "rate = 0.1\n# 8 numbers\n";
  EXPECT_THAT(error(other, mine), HasSubstr("expected '# 8 numbers', found '# 7 numbers'"));
  EXPECT_THAT(error({}, mine, 0), HasSubstr("expected at most 0 epochs that are done, found 1"));
  EXPECT_EQ(Learner{}.run(mine), kEpochs - 1);
}

TEST_F(EpochRunTest, OfATamperedCheckpointIsAnError) {
  const EpochRunOptions mine = begun();
  const auto path = mine.out / "checkpoint.safetensors";
  const graph::Weights good = graph::read_safetensors(path);
  for (const char* const key : {"step", "seed", "metrics_bytes"}) {
    for (const char* const value : {"", "x", "99999999999999999999", "-1"}) {
      graph::Weights bad = good.clone();
      bad.metadata.at(key) = value;
      graph::write_safetensors(path, bad);
      EXPECT_THAT(error({}, mine), HasSubstr("checkpoint.safetensors")) << key << " " << value;
    }
  }
  graph::Weights bad = good.clone();
  for (const char* const name : {"square/a", "square/b"}) bad.tensors.erase(name);
  graph::write_safetensors(path, bad);
  EXPECT_THAT(error({}, mine), HasSubstr("expected squares of gradients"));
}

TEST_F(EpochRunTest, KeepsItsFolderForItself) {
  make_folders(folder_ / "run");
  {
    const FolderLock other(folder_ / "run");
    const Error error = error_of([&] { Learner{}.run(options("run")); });
    EXPECT_THAT(error.what(), HasSubstr("another run writes into it"));
  }
  Learner{}.run(options("run"));
  const Error again = error_of([&] { Learner{}.run(options("run")); });
  EXPECT_THAT(again.what(), HasSubstr("holds a run already"));
  // A file where the folder should be.
  write_file_atomically(folder_ / "file", std::string("mine"));
  const Error no_folder = error_of([&] { Learner{}.run(options("file")); });
  EXPECT_THAT(no_folder.what(), HasSubstr("file"));
}

TEST_F(EpochRunTest, EndsWhereTheLossExplodes) {
  Learner learner;
  learner.rate = 1e6F;
  EXPECT_THAT(error(learner, options("run")),
              AllOf(HasSubstr("epoch 1: the loss explodes"), HasSubstr("lower the learning rate ("),
                    HasSubstr("into another folder")));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run/checkpoint.safetensors"));
}

TEST(PartGradients, AreTheirMeanWhateverTheThreads) {
  constexpr std::size_t kSize = 19;
  const auto mean_by = [](int threads, std::size_t count) {
    PartGradients parts(kSize);
    std::vector<float> mean(kSize, 99.0F);
    for (int repetition = 0; repetition < 2; ++repetition) {  // nothing is left of the first
      parts(threads, count, mean, [](std::size_t i, std::size_t part, std::span<float> gradient) {
        EXPECT_EQ(part, i % PartGradients::kParts);
        for (std::size_t k = 0; k < gradient.size(); ++k) {
          gradient[k] += 0.1F * static_cast<float>(i + k);
        }
      });
    }
    return mean;
  };
  for (const std::size_t count : {1U, 7U, 30U}) {
    const std::vector<float> mean = mean_by(1, count);
    EXPECT_EQ(mean_by(3, count), mean);
    for (std::size_t k = 0; k < kSize; ++k) {
      EXPECT_NEAR(mean[k], 0.1 * (static_cast<double>(count - 1) / 2 + static_cast<double>(k)),
                  1e-5);
    }
  }
}

}  // namespace
}  // namespace retinaface::training

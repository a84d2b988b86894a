#include "detection/cascade.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/detector.h"

#include "detection/detector_factory.h"
#include "image/convert.h"
#include "image/resize.h"
#include "models/described_model.h"
#include "models/mtcnn.h"
#include "runtime/backends/backends.h"
#include "runtime/testing.h"
#include "support/testing.h"

namespace retinaface::detection {
namespace {

using models::CascadeLevel;
using retinaface::testing::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The slow reference: the same definition, written once more with plain loops in double precision,
// the networks layer by layer from the tensors' names alone.

struct Cube {
  int c = 0;
  int h = 0;
  int w = 0;
  std::vector<double> values;

  Cube(int channels, int height, int width)
      : c(channels),
        h(height),
        w(width),
        values(static_cast<std::size_t>(channels) * static_cast<std::size_t>(height) *
               static_cast<std::size_t>(width)) {}
  double& at(int k, int y, int x) { return values[static_cast<std::size_t>((k * h + y) * w + x)]; }
  double at(int k, int y, int x) const {
    return values[static_cast<std::size_t>((k * h + y) * w + x)];
  }
};

class SlowNetwork {
 public:
  SlowNetwork(const graph::Weights& weights, std::string network)
      : weights_(weights), network_(std::move(network)) {}

  Cube layer(const Cube& in, const std::string& name) const {
    const graph::Tensor& weight = weights_.at(network_ + "." + name + ".weight");
    const graph::Tensor& bias = weights_.at(network_ + "." + name + ".bias");
    const int k = static_cast<int>(weight.shape[2]);
    Cube out(static_cast<int>(weight.shape[0]), in.h - k + 1, in.w - k + 1);
    for (int o = 0; o < out.c; ++o) {
      for (int y = 0; y < out.h; ++y) {
        for (int x = 0; x < out.w; ++x) {
          double sum = double{bias.values()[static_cast<std::size_t>(o)]};
          for (int i = 0; i < in.c; ++i) {
            for (int dy = 0; dy < k; ++dy) {
              for (int dx = 0; dx < k; ++dx) {
                const int at = ((o * in.c + i) * k + dy) * k + dx;
                sum += double{weight.values()[static_cast<std::size_t>(at)]} *
                       in.at(i, y + dy, x + dx);
              }
            }
          }
          out.at(o, y, x) = sum;
        }
      }
    }
    return out;
  }
  Cube activated(Cube in, const std::string& name) const {
    const graph::Tensor& slopes = weights_.at(network_ + "." + name + ".weight");
    for (int k = 0; k < in.c; ++k) {
      const double slope = double{slopes.values()[static_cast<std::size_t>(k)]};
      for (int y = 0; y < in.h; ++y) {
        for (int x = 0; x < in.w; ++x) {
          if (in.at(k, y, x) < 0) in.at(k, y, x) *= slope;
        }
      }
    }
    return in;
  }
  static Cube pooled(const Cube& in, int kernel, bool up) {
    const auto extent = [&](int side) { return (side - kernel + (up ? 1 : 0)) / 2 + 1; };
    Cube out(in.c, extent(in.h), extent(in.w));
    for (int k = 0; k < in.c; ++k) {
      for (int y = 0; y < out.h; ++y) {
        for (int x = 0; x < out.w; ++x) {
          double best = -INFINITY;
          for (int dy = 0; dy < kernel && 2 * y + dy < in.h; ++dy) {
            for (int dx = 0; dx < kernel && 2 * x + dx < in.w; ++dx) {
              best = std::max(best, in.at(k, 2 * y + dy, 2 * x + dx));
            }
          }
          out.at(k, y, x) = best;
        }
      }
    }
    return out;
  }

 private:
  const graph::Weights& weights_;
  std::string network_;
};

struct Seen {
  Cube score;
  Cube box;
  std::optional<Cube> landmarks;
};

Seen slow_pnet(const graph::Weights& weights, const Cube& image) {
  const SlowNetwork net(weights, "pnet");
  Cube map = net.activated(net.layer(image, "conv1"), "prelu1");
  map = SlowNetwork::pooled(map, 2, true);
  map = net.activated(net.layer(map, "conv2"), "prelu2");
  map = net.activated(net.layer(map, "conv3"), "prelu3");
  return {net.layer(map, "cls"), net.layer(map, "box"), {}};
}

Seen slow_rnet(const graph::Weights& weights, const Cube& image) {
  const SlowNetwork net(weights, "rnet");
  Cube map = net.activated(net.layer(image, "conv1"), "prelu1");
  map = SlowNetwork::pooled(map, 3, true);
  map = net.activated(net.layer(map, "conv2"), "prelu2");
  map = SlowNetwork::pooled(map, 3, true);
  map = net.activated(net.layer(map, "conv3"), "prelu3");
  map = net.activated(net.layer(map, "fc4"), "prelu4");
  return {net.layer(map, "cls"), net.layer(map, "box"), {}};
}

Seen slow_onet(const graph::Weights& weights, const Cube& image) {
  const SlowNetwork net(weights, "onet");
  Cube map = net.activated(net.layer(image, "conv1"), "prelu1");
  map = SlowNetwork::pooled(map, 3, true);
  map = net.activated(net.layer(map, "conv2"), "prelu2");
  map = SlowNetwork::pooled(map, 3, false);
  map = net.activated(net.layer(map, "conv3"), "prelu3");
  map = SlowNetwork::pooled(map, 2, true);
  map = net.activated(net.layer(map, "conv4"), "prelu4");
  map = net.activated(net.layer(map, "fc5"), "prelu5");
  return {net.layer(map, "cls"), net.layer(map, "box"), net.layer(map, "landmarks")};
}

struct SlowBox {
  double x0, y0, x1, y1;
  double area() const { return std::max(0.0, x1 - x0) * std::max(0.0, y1 - y0); }
};

struct SlowCandidate {
  double score = 0;
  SlowBox box{};
  double offset[4] = {};
  double points[10] = {};

  SlowBox calibrated() const {
    const double w = box.x1 - box.x0;
    const double h = box.y1 - box.y0;
    return {box.x0 + offset[0] * w, box.y0 + offset[1] * h, box.x1 + offset[2] * w,
            box.y1 + offset[3] * h};
  }
};

void slow_nms(std::vector<SlowCandidate>& all, double limit, bool of_smaller) {
  std::stable_sort(all.begin(), all.end(), [](const SlowCandidate& a, const SlowCandidate& b) {
    return a.score > b.score;
  });
  std::vector<SlowCandidate> kept;
  for (const SlowCandidate& one : all) {
    const SlowBox b = of_smaller ? one.calibrated() : one.box;
    bool stays = true;
    for (const SlowCandidate& better : kept) {
      const SlowBox a = of_smaller ? better.calibrated() : better.box;
      const double shared = SlowBox{std::max(a.x0, b.x0), std::max(a.y0, b.y0),
                                    std::min(a.x1, b.x1), std::min(a.y1, b.y1)}
                                .area() *
                            (std::min(a.x1, b.x1) > std::max(a.x0, b.x0) ? 1 : 0);
      const double whole = of_smaller ? std::min(a.area(), b.area()) : a.area() + b.area() - shared;
      if (shared > limit * whole) stays = false;
    }
    if (stays) kept.push_back(one);
  }
  all = kept;
}

double slow_probability(const Cube& score, int y, int x) {
  const double none = std::exp(score.at(0, y, x));
  const double face = std::exp(score.at(1, y, x));
  return face / (none + face);
}

/// The pixels as MTCNN takes them; 1/128 is in the weights.
Cube planes_of(const Image& image) {
  Cube planes(3, image.height(), image.width());
  for (int k = 0; k < 3; ++k) {
    for (int y = 0; y < image.height(); ++y) {
      for (int x = 0; x < image.width(); ++x) planes.at(k, y, x) = image.row(y)[3 * x + k] - 127.5;
    }
  }
  return planes;
}

std::vector<SlowCandidate> slow_stage(const graph::Weights& weights, const Image& image,
                                      const std::vector<SlowCandidate>& before, int side,
                                      double min_score) {
  std::vector<SlowCandidate> all;
  for (const SlowCandidate& one : before) {
    const SlowBox box = one.calibrated();
    const double longer = std::max(box.x1 - box.x0, box.y1 - box.y0);
    const int x0 = static_cast<int>(std::lround((box.x0 + box.x1 - longer) / 2));
    const int y0 = static_cast<int>(std::lround((box.y0 + box.y1 - longer) / 2));
    const int pixels = static_cast<int>(std::lround(longer));
    if (pixels < 1 || pixels > 2 * std::min(image.width(), image.height())) continue;
    Image square(pixels, pixels);
    bool shows = false;
    for (int y = 0; y < pixels; ++y) {
      for (int x = 0; x < pixels; ++x) {
        const bool inside =
            x0 + x >= 0 && x0 + x < image.width() && y0 + y >= 0 && y0 + y < image.height();
        shows |= inside;
        for (int k = 0; k < 3; ++k) {
          square.row(y)[3 * x + k] = inside ? image.row(y0 + y)[3 * (x0 + x) + k] : 0;
        }
      }
    }
    if (!shows) continue;
    const Cube planes = planes_of(resize(square, side, side));
    const Seen seen = side == 24 ? slow_rnet(weights, planes) : slow_onet(weights, planes);
    SlowCandidate next;
    next.score = slow_probability(seen.score, 0, 0);
    if (next.score < min_score) continue;
    next.box = {double(x0), double(y0), double(x0 + pixels), double(y0 + pixels)};
    for (int k = 0; k < 4; ++k) next.offset[k] = seen.box.at(k, 0, 0);
    if (seen.landmarks) {
      for (int k = 0; k < 5; ++k) {
        next.points[2 * k] = x0 + pixels * seen.landmarks->at(k, 0, 0);
        next.points[2 * k + 1] = y0 + pixels * seen.landmarks->at(k + 5, 0, 0);
      }
    }
    all.push_back(next);
  }
  return all;
}

std::vector<SlowCandidate> slow_cascade(const graph::Weights& weights,
                                        const models::CascadeSpec& spec, const Image& image,
                                        double min_score) {
  std::vector<SlowCandidate> all;
  double scale = 12.0 / double{spec.min_face_px};
  for (; std::min(image.width(), image.height()) * scale >= 12; scale *= double{spec.scale_step}) {
    const int w = static_cast<int>(std::ceil(image.width() * scale));
    const int h = static_cast<int>(std::ceil(image.height() * scale));
    const Seen seen = slow_pnet(weights, planes_of(resize(image, w, h)));
    std::vector<SlowCandidate> level;
    for (int y = 0; y < seen.score.h; ++y) {
      for (int x = 0; x < seen.score.w; ++x) {
        SlowCandidate one;
        one.score = slow_probability(seen.score, y, x);
        if (one.score < double{spec.min_window_score}) continue;
        one.box = {2.0 * x, 2.0 * y, 2.0 * x + 12, 2.0 * y + 12};
        for (int k = 0; k < 4; ++k) one.offset[k] = seen.box.at(k, y, x);
        level.push_back(one);
      }
    }
    slow_nms(level, 0.5, false);
    for (SlowCandidate& one : level) {
      const double sx = double(image.width()) / w;
      const double sy = double(image.height()) / h;
      one.box = {one.box.x0 * sx, one.box.y0 * sy, one.box.x1 * sx, one.box.y1 * sy};
    }
    all.insert(all.end(), level.begin(), level.end());
  }
  slow_nms(all, 0.7, false);
  all = slow_stage(weights, image, all, 24, double{spec.stages[0].min_score});
  slow_nms(all, 0.7, false);
  all = slow_stage(weights, image, all, 48, min_score);
  slow_nms(all, 0.7, true);
  return all;
}

Image noise(int width, int height) {
  std::mt19937 random(5);
  Image small(std::max(1, width / 6), std::max(1, height / 6));
  for (int y = 0; y < small.height(); ++y) {
    for (int i = 0; i < 3 * small.width(); ++i) {
      small.row(y)[i] = static_cast<std::uint8_t>(random() % 256);
    }
  }
  return resize(small, width, height);
}

/// Scales and shifts what a head yields so that its values have this mean and deviation over maps.
void settle(graph::Weights& weights, const std::string& head, const std::vector<Cube>& maps,
            double mean, double deviation) {
  graph::Tensor& weight = weights.tensors.at(head + ".weight");
  graph::Tensor& bias = weights.tensors.at(head + ".bias");
  const std::size_t per_channel = weight.size() / bias.size();
  for (std::size_t k = 0; k < bias.size(); ++k) {
    double sum = 0;
    double squares = 0;
    double count = 0;
    for (const Cube& map : maps) {
      for (int y = 0; y < map.h; ++y) {
        for (int x = 0; x < map.w; ++x, ++count) {
          const double value = map.at(static_cast<int>(k), y, x);
          sum += value;
          squares += value * value;
        }
      }
    }
    const double found = sum / count;
    const double factor = deviation / std::sqrt(squares / count - found * found);
    for (std::size_t i = 0; i < per_channel; ++i) {
      float& value = weight.values()[k * per_channel + i];
      value = static_cast<float>(double{value} * factor);
    }
    bias.values()[k] = static_cast<float>((double{bias.values()[k]} - found) * factor + mean);
  }
}

/// A cascade of random weights whose scores spread, so that each stage drops some and none all.
models::LoadedModel make_cascade() {
  models::Model model = models::mtcnn();
  for (models::CascadeStage& stage : std::get<models::CascadeSpec>(model.purpose).stages)
    stage.min_score = 0.4F;
  models::LoadedModel loaded;
  for (const models::SizedNetwork& network : models::networks_of(model, 1, 1)) {
    graph::Weights own = runtime::testing::lively_weights(network.graph, 8);
    loaded.weights.tensors.merge(own.tensors);
  }
  using Network = Seen (*)(const graph::Weights&, const Cube&);
  struct Kind {
    const char* name;
    Network run;
    int side;
  };
  const Image image = noise(97, 64);
  for (const auto& [name, run, side] :
       {Kind{"pnet", slow_pnet, 12}, Kind{"rnet", slow_rnet, 24}, Kind{"onet", slow_onet, 48}}) {
    std::vector<Cube> scores;
    std::vector<Cube> boxes;
    std::vector<Cube> landmarks;
    for (int i = 0; i < 30; ++i) {
      const Image part = resize(part_of(image, 2 * i, i, 24, 24), side, side);
      const Seen seen = run(loaded.weights, planes_of(part));
      scores.push_back(seen.score);
      boxes.push_back(seen.box);
      if (seen.landmarks) landmarks.push_back(*seen.landmarks);
    }
    const std::string network = name;
    settle(loaded.weights, network + ".cls", scores, 0, 1);
    settle(loaded.weights, network + ".box", boxes, 0, 0.1);
    if (!landmarks.empty()) settle(loaded.weights, network + ".landmarks", landmarks, 0.5, 0.2);
  }
  loaded.weights.metadata = models::describe(model, model.network.build());
  loaded.described = models::described_model(loaded.weights.metadata, "made-up");
  loaded.model = loaded.described.get();
  loaded.graph = loaded.model->network.build();
  return loaded;
}

const models::LoadedModel& made_up() {
  static const models::LoadedModel model = make_cascade();
  return model;
}

/// What the slow reference finds with it in noise(97, 64) from a score of 0.3 on.
const std::vector<SlowCandidate>& slowly_found() {
  static const std::vector<SlowCandidate> found =
      slow_cascade(made_up().weights, *made_up().model->find_cascade(), noise(97, 64), 0.3);
  return found;
}

void expect_agreement(const std::vector<Face>& faces, const std::vector<SlowCandidate>& expected) {
  ASSERT_EQ(faces.size(), expected.size());
  for (std::size_t i = 0; i < faces.size(); ++i) {
    EXPECT_NEAR(faces[i].score, expected[i].score, 1e-4);
    const SlowBox box = expected[i].calibrated();
    EXPECT_NEAR(faces[i].box.x0, box.x0, 0.01);
    EXPECT_NEAR(faces[i].box.y0, box.y0, 0.01);
    EXPECT_NEAR(faces[i].box.x1, box.x1, 0.01);
    EXPECT_NEAR(faces[i].box.y1, box.y1, 0.01);
    for (std::size_t k = 0; k < 5; ++k) {
      EXPECT_NEAR(faces[i].landmarks[k].x, expected[i].points[2 * k], 0.01);
      EXPECT_NEAR(faces[i].landmarks[k].y, expected[i].points[2 * k + 1], 0.01);
    }
  }
}

std::vector<Face> find(const models::LoadedModel& loaded, const Image& image, float min_score,
                       std::int64_t band_px = 1 << 20) {
  const Cascade cascade(loaded, {}, {}, band_px);
  runtime::SessionPool windows(runtime::backends().make(loaded.graph, loaded.weights));
  const runtime::SessionLease session(windows);
  return cascade.find(*session, image, min_score);
}

TEST(Cascade, FindsWhatTheSlowReferenceFinds) {
  const models::LoadedModel& loaded = made_up();
  EXPECT_GT(slowly_found().size(), 3U);  // it would show nothing else
  expect_agreement(find(loaded, noise(97, 64), 0.3F), slowly_found());
  for (const auto& [width, height] : {std::pair(41, 53), std::pair(20, 20)}) {
    SCOPED_TRACE(std::to_string(width));
    const Image image = noise(width, height);
    expect_agreement(find(loaded, image, 0.3F),
                     slow_cascade(loaded.weights, *loaded.model->find_cascade(), image, 0.3));
  }
}

TEST(Cascade, FindsNothingInWhatHoldsNoWindow) {
  EXPECT_TRUE(find(made_up(), noise(19, 300), 0).empty());
  EXPECT_TRUE(find(made_up(), noise(1, 1), 0).empty());
}

TEST(Cascade, BandsOfLevelsChangeNothing) {
  const models::LoadedModel& loaded = made_up();
  const Image image = noise(97, 64);
  for (const std::int64_t band_px : {1, 300, 1000}) {
    expect_agreement(find(loaded, image, 0.3F, band_px), slowly_found());
  }
}

TEST(Cascade, IsADetectorLikeOthers) {
  const retinaface::testing::TemporaryFolder folder;
  const models::LoadedModel& loaded = made_up();
  const std::filesystem::path file = folder / "cascade.safetensors";
  graph::write_safetensors(file, loaded.weights);
  const Detector detector(file);
  EXPECT_EQ(detector.info().name, "mtcnn");
  EXPECT_GT(detector.info().multiply_adds, 0);
  const Image image = noise(97, 64);
  const std::vector<Face> all = detector.detect(image, {.min_score = 0.3F, .nms_iou = 1});
  expect_agreement(all, slowly_found());
  const std::vector<Face> few =
      detector.detect(image, {.min_score = 0.3F, .nms_iou = 1, .max_faces = 2});
  ASSERT_EQ(few.size(), 2U);
  EXPECT_EQ(few[1].box, all[1].box);
  // Twice the size shows faces of half the size.
  EXPECT_NE(detector.detect(image, {.min_score = 0.3F, .nms_iou = 1, .scales = {2}}).size(),
            all.size());
  EXPECT_THAT(error_of([&] { detector.detect(image, {.mesh = true}); }).what(),
              HasSubstr("no mesh branch"));
}

TEST(Cascade, FindsTheFaceOfAPortraitByThePublicWeights) {
  RF_NEED_DATA("weights/mtcnn.safetensors");
  // As interchange/mtcnn_import makes a model of them.
  graph::Weights weights =
      graph::read_safetensors(retinaface::testing::data_folder() / "weights/mtcnn.safetensors");
  const models::Model model = models::mtcnn();
  for (const models::SizedNetwork& network : models::networks_of(model, 1, 1)) {
    for (const graph::ParameterSpec& parameter : graph::parameters(network.graph)) {
      weights.tensors.at(parameter.name).shape = parameter.shape;
    }
    graph::Tensor& first = weights.tensors.at(network.graph.nodes()[1].parameter("weight"));
    for (float& value : first.values()) value /= 128;
  }
  models::LoadedModel loaded;
  loaded.model = &model;
  loaded.graph = model.network.build();
  loaded.weights = std::move(weights);
  const Image portrait =
      resize(read_image(retinaface::testing::sample_folder() / "hopper.jpg"), 85, 100);
  const std::vector<Face> faces = find(loaded, portrait, 0.7F);
  ASSERT_EQ(faces.size(), 1U);
  EXPECT_GT(faces[0].score, 0.99F);
  expect_agreement(faces, slow_cascade(loaded.weights, *model.find_cascade(), portrait, 0.7));
}

TEST(Cascade, LevelsShrinkUntilNoWindowFits) {
  const models::CascadeSpec spec = *models::mtcnn().find_cascade();
  EXPECT_THAT(models::cascade_levels(spec, 40, 30),
              ElementsAre(CascadeLevel{24, 18}, CascadeLevel{18, 13}));
  EXPECT_TRUE(models::cascade_levels(spec, 19, 30).empty());
}

TEST(Cascade, RefusesDescriptionsThatDoNotFit) {
  const models::LoadedModel& loaded = made_up();
  const std::string right = loaded.weights.metadata.at("cascade");
  const auto changed = [&](const std::string& from, const std::string& to) {
    models::Metadata metadata = loaded.weights.metadata;
    std::string& text = metadata["cascade"];
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos);
    text.replace(at, from.size(), to);
    return std::string(error_of([&] { models::described_model(metadata, "file"); }).what());
  };
  EXPECT_THAT(changed("\"side\":24", "\"side\":40"), HasSubstr("expected 'score' of"));
  EXPECT_THAT(changed("\"side\":24", "\"side\":2"), HasSubstr("2x2 pixels: "));
  EXPECT_THAT(changed("\"window\":12", "\"window\":14"), HasSubstr("expected 'score' of"));
  EXPECT_THAT(changed("\"scale_step\":0.709", "\"scale_step\":1"), HasSubstr("found 1"));
  EXPECT_THAT(changed("\"stages\":[", "\"stages\":[],\"x\":["), HasSubstr("1 to 4 stages"));
  EXPECT_THAT(changed("\"window\":12", "\"window\":12.5"), HasSubstr("whole number"));
  EXPECT_THAT(changed("\"landmarks\"", "\"points\""), HasSubstr("an output 'landmarks'"));
}

}  // namespace
}  // namespace retinaface::detection

#include "evaluation/template_protocol.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "support/testing.h"

namespace retinaface::evaluation {
namespace {

using retinaface::testing::error_of;
using retinaface::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ReadTemplates, TakesLinesOfThreeWords) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "tid_mid.txt",
                        std::string("1.jpg 7 3\n2.jpg 5 9\n3.jpg 7 2\n4.jpg 7 3\r\n"));
  const TemplateList list = read_templates({folder / "tid_mid.txt"});
  EXPECT_THAT(list.templates, ElementsAre(5, 7));
  EXPECT_TRUE(list.subjects.empty());
  std::vector<std::tuple<std::string, std::uint32_t, std::int64_t>> faces;
  for (const TemplateFace& face : list.faces)
    faces.emplace_back(face.image, face.place, face.media);
  EXPECT_THAT(faces, ElementsAre(std::tuple("2.jpg", 0, 9), std::tuple("3.jpg", 1, 2),
                                 std::tuple("1.jpg", 1, 3), std::tuple("4.jpg", 1, 3)));
}

TEST(ReadTemplates, TakesNistsTables) {
  const TemporaryFolder folder;
  const std::string head =
      "TEMPLATE_ID,SUBJECT_ID,FILENAME,FACE_X,FACE_Y,FACE_WIDTH,FACE_HEIGHT,SIGHTING_ID,AGE\n";
  write_file_atomically(folder / "g1.csv", head + "4,80,img/a.png,10,20.5,30,40,6,1\n");
  write_file_atomically(folder / "probe.csv", head + "2,80,frames/b.png,0,0,5,5,1,3\n");
  const TemplateList list = read_templates({folder / "g1.csv", folder / "probe.csv"});
  EXPECT_THAT(list.templates, ElementsAre(2, 4));
  EXPECT_THAT(list.subjects, ElementsAre(80, 80));
  EXPECT_EQ(list.faces[1].image, "img/a.png");
  EXPECT_EQ(list.faces[1].box, (Box{10, 20.5F, 40, 60.5F}));
  EXPECT_EQ(list.faces[1].media, 6);
}

TEST(ReadTemplates, WaitsForNoPipeAndReadsNoDevice) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  for (const std::filesystem::path& path : {folder / "pipe", std::filesystem::path("/dev/zero")}) {
    EXPECT_THAT(error_of([&] { read_templates({path}); }).what(),
                HasSubstr(": expected a file, found a pipe or a device"));
    EXPECT_THAT(error_of([&] { for_each_template_pair(path, {}, {}); }).what(),
                HasSubstr(": expected a file, found a pipe or a device"));
  }
}

TEST(ReadTemplates, NamesTheLineThatIsWrong) {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& text) {
    write_file_atomically(folder / "list", text);
    return std::string(error_of([&] { read_templates({folder / "list"}); }).what());
  };
  EXPECT_THAT(refusal("1.jpg 7 3\n1.jpg 7\n"), HasSubstr("list:2: expected IMAGE TEMPLATE MEDIA"));
  EXPECT_THAT(refusal("TEMPLATE_ID,FILENAME\n"), HasSubstr("list:1: expected a column SUBJECT_ID"));
  EXPECT_THAT(refusal("\n"), HasSubstr("has no faces"));
  const std::string head =
      "TEMPLATE_ID,SUBJECT_ID,FILENAME,FACE_X,FACE_Y,FACE_WIDTH,FACE_HEIGHT,SIGHTING_ID\n";
  EXPECT_THAT(refusal(head + "1,2,a,0,0,5\n"), HasSubstr("list:2: expected 8 values, found 6"));
  EXPECT_THAT(refusal(head + "1,2,a,0,0,5,x,1\n"), HasSubstr("expected a number, found 'x'"));
  EXPECT_THAT(refusal(head + "1,2,a,0,0,5,5,1\n1,3,a,0,0,5,5,1\n"),
              HasSubstr("list:3: the template 1 is of two subjects"));
  EXPECT_EQ(error_of([&] { read_templates({folder / "none"}); }).code(), ErrorCode::kNotFound);
}

TEST(TemplatePairs, NeedWhatTellsWhoseTheyAre) {
  const TemporaryFolder folder;
  TemplateList list = {.templates = {2, 4, 9}, .subjects = {80, 80, 81}, .faces = {}};
  const auto read = [&](const std::string& text) {
    write_file_atomically(folder / "pairs", text);
    std::vector<std::tuple<std::uint32_t, std::uint32_t, bool>> pairs;
    for_each_template_pair(
        folder / "pairs", list,
        [&](std::uint32_t a, std::uint32_t b, bool same) { pairs.emplace_back(a, b, same); });
    return pairs;
  };
  EXPECT_THAT(read("4 2 1\n9 2 0\n"), ElementsAre(std::tuple(1, 0, true), std::tuple(2, 0, false)));
  EXPECT_THAT(read("4,2\n9,2\n"), ElementsAre(std::tuple(1, 0, true), std::tuple(2, 0, false)));
  const auto refusal = [&](const std::string& text) {
    return std::string(error_of([&] { read(text); }).what());
  };
  EXPECT_THAT(refusal("4 2 1\n4 3 0\n"),
              HasSubstr("pairs:2: expected the numbers of two templates"));
  EXPECT_THAT(refusal("4 2 2\n"), HasSubstr("expected 1 or 0 at the end"));
  list.subjects.clear();
  EXPECT_THAT(refusal("4,2\n"), HasSubstr("since the lists tell no subjects"));
}

// The protocol once more, slowly: everything held at once, each pair on its own.

using Vector = std::vector<double>;

Vector normalized(Vector v) {
  double squares = 0;
  for (const double x : v) squares += x * x;
  for (double& x : v) x /= std::sqrt(squares);
  return v;
}

TEST(TemplateProtocol, EqualsASlowImplementation) {
  constexpr std::size_t kSize = 6;
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  // Persons, each with templates of several media; some faces are not found.
  struct Made {
    std::string image;
    int number;
    int media;
    std::optional<std::vector<float>> embedding;
  };
  std::vector<Made> faces;
  std::map<int, int> subject_of;
  for (int subject = 0; subject < 12; ++subject) {
    std::vector<float> person(kSize);
    for (float& x : person) x = normal(random);
    for (int t = 0; t < 4; ++t) {
      const int number = 100 * ((7 * subject + 5 * t) % 48) + subject;
      subject_of[number] = subject;
      const int count = 1 + static_cast<int>(random() % 5);
      for (int i = 0; i < count; ++i) {
        Made face = {
            fmt::format("{}_{}.jpg", number, i), number, static_cast<int>(random() % 3), {}};
        if (random() % 6 != 0) {
          Vector v;
          for (const float x : person) v.push_back(double{x + 0.8F * normal(random)});
          v = normalized(v);
          face.embedding.emplace(v.begin(), v.end());
        }
        faces.push_back(std::move(face));
      }
    }
  }
  std::ranges::shuffle(faces, random);
  std::string list;
  for (const Made& face : faces)
    list += fmt::format("{} {} {}\n", face.image, face.number, face.media);
  std::string pairs;
  for (const auto& [a, of_a] : subject_of) {
    for (const auto& [b, of_b] : subject_of) {
      if (a < b) pairs += fmt::format("{} {} {}\n", a, b, of_a == of_b ? 1 : 0);
    }
  }
  const TemporaryFolder folder;
  write_file_atomically(folder / "list", list);
  write_file_atomically(folder / "pairs", pairs);

  const TemplateList templates = read_templates({folder / "list"});
  TemplatePool pool(templates);
  for (const TemplateFace& face : templates.faces) {
    pool.add(std::ranges::find(faces, face.image, &Made::image)->embedding);
  }
  pool.finish();
  PairScores scores = score_template_pairs(folder / "pairs", templates, pool);

  std::map<int, Vector> slow;
  for (const auto& [number, subject] : subject_of) {
    Vector sum(kSize, 0.0);
    bool any = false;
    for (int media = 0; media < 3; ++media) {
      Vector mean(kSize, 0.0);
      double count = 0;
      for (const Made& face : faces) {
        if (face.number != number || face.media != media || !face.embedding) continue;
        for (std::size_t k = 0; k < kSize; ++k) mean[k] += double{(*face.embedding)[k]};
        ++count;
      }
      if (count == 0) continue;
      any = true;
      for (std::size_t k = 0; k < kSize; ++k) sum[k] += mean[k] / count;
    }
    if (any) slow.emplace(number, normalized(sum));
  }
  PairScores expected;
  for (const auto& [a, of_a] : subject_of) {
    for (const auto& [b, of_b] : subject_of) {
      if (a >= b) continue;
      const bool same = of_a == of_b;
      if (!slow.contains(a) || !slow.contains(b)) {
        ++(same ? expected.same_missed : expected.different_missed);
        continue;
      }
      double product = 0;
      for (std::size_t k = 0; k < kSize; ++k) product += slow[a][k] * slow[b][k];
      (same ? expected.same : expected.different).push_back(static_cast<float>(product));
    }
  }
  EXPECT_EQ(pool.missed_templates(), subject_of.size() - slow.size());
  EXPECT_EQ(static_cast<std::ptrdiff_t>(pool.missed_faces()),
            std::ranges::count_if(faces, [](const Made& face) { return !face.embedding; }));
  EXPECT_EQ(scores.same_missed, expected.same_missed);
  EXPECT_EQ(scores.different_missed, expected.different_missed);
  ASSERT_EQ(scores.same.size(), expected.same.size());
  ASSERT_EQ(scores.different.size(), expected.different.size());
  for (std::size_t i = 0; i < expected.same.size(); ++i) {
    EXPECT_NEAR(scores.same[i], expected.same[i], 1e-6);
  }
  for (std::size_t i = 0; i < expected.different.size(); ++i) {
    EXPECT_NEAR(scores.different[i], expected.different[i], 1e-6);
  }
  const FarRates rates = far_rates(scores);
  // 12 x 6 same pairs and 1056 different ones.
  EXPECT_TRUE(rates.tar.at(-3).has_value());
  EXPECT_FALSE(rates.tar.at(-4).has_value());
}

}  // namespace
}  // namespace retinaface::evaluation

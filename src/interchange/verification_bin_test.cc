#include "interchange/verification_bin.h"

#include <string>

#include "support/testing.h"
#include "support/torch_writer.h"

namespace retinaface::interchange {
namespace {

using namespace std::string_literals;
using testing::as_bytes;
using testing::bytes_of;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;

std::string refusal(const std::string& pickle) {
  return error_of([&] { parse_verification_bin(as_bytes(pickle), "x.bin"); }).what();
}

TEST(VerificationBin, ReadsWhatPython2Writes) {
  // pickle.dumps((["ab", "c", "ab", "d"], [True, False]), 2), where images are str.
  const VerificationBin bin = parse_verification_bin(
      as_bytes("\x80\x02]q\x00(U\x02"s + "abq\x01U\x01" + "cq\x02h\x01U\x01" + "dq\x03" +
               "e]q\x04(\x88\x89" + "e\x86q\x05."),
      "x.bin");
  EXPECT_THAT(bin.images, ElementsAre("ab", "c", "ab", "d"));
  EXPECT_THAT(bin.same, ElementsAre(true, false));
}

TEST(VerificationBin, ReadsWhatPython3Writes) {
  const VerificationBin bin =
      parse_verification_bin(as_bytes("\x80\x04\x95\x20\0\0\0\0\0\0\0]\x94(C\x01"s + "a\x94" +
                                      "B\x02\0\0\0"s + "bc\x94" + "e]\x94K\x01" + "a\x86\x94."),
                             "x.bin");
  EXPECT_THAT(bin.images, ElementsAre("a", "bc"));
  EXPECT_THAT(bin.same, ElementsAre(true));
}

TEST(VerificationBin, RunsAndGuessesNothing) {
  EXPECT_THAT(refusal("\x80\x02"s + "" + "cos\nsystem\nU\x02ls\x85R."s), HasSubstr("os.system"));
  EXPECT_THAT(refusal("\x80\x02"s + "]."), HasSubstr("expected a pickle of two lists"));
  EXPECT_THAT(refusal("\x80\x02"s + "](U\x01" + "ae](\x88" + "e\x86."s),
              HasSubstr("two images for each of 1 pair, found 1 image"));
  EXPECT_THAT(refusal("\x80\x02"s + "](NU\x01" + "ae](\x88" + "e\x86."s),
              HasSubstr("image 0: expected an encoded image, found None"));
  EXPECT_THAT(refusal("\x80\x02"s + "](U\x01" + "aU\x01" + "be](K\x02" + "e\x86."s),
              HasSubstr("pair 0: expected whether it is of one person, found an integer"));
  EXPECT_THAT(refusal("\x80\x02"s + "](U\x05" + "a"s), HasSubstr("cut short"));
}

}  // namespace
}  // namespace retinaface::interchange

#include "interchange/verification_bin.h"

#include <utility>
#include <variant>

#include "base/check.h"
#include "base/counted.h"
#include "interchange/byte_reader.h"
#include "interchange/pickle.h"

namespace retinaface::interchange {
namespace {

/// The items of a list or a tuple, null for what is neither.
const std::vector<Pointer>* items_of(const Value& value) {
  if (const auto* list = std::get_if<List>(&value.content)) return &list->items;
  if (const auto* tuple = std::get_if<Tuple>(&value.content)) return &tuple->items;
  return nullptr;
}

std::string image_of(const Value& value, std::size_t number, const std::string& source) {
  if (const auto* bytes = std::get_if<ByteString>(&value.content)) return bytes->bytes;
  // What Python 2 has written as str.
  if (const auto* text = std::get_if<std::string>(&value.content)) return *text;
  fail(ErrorCode::kBadData, "{}: image {}: expected an encoded image, found {}", source, number,
       kind_of(value));
}

bool truth_of(const Value& value, std::size_t number, const std::string& source) {
  if (const auto* truth = std::get_if<bool>(&value.content)) return *truth;
  const auto* integer = std::get_if<Integer>(&value.content);
  if (integer != nullptr && (*integer == 0 || *integer == 1)) return *integer == 1;
  fail(ErrorCode::kBadData, "{}: pair {}: expected whether it is of one person, found {}", source,
       number, kind_of(value));
}

}  // namespace

VerificationBin parse_verification_bin(std::vector<std::byte> content, const std::string& source) {
  VerificationBin result;
  const Pickle pickle = [&] {
    ByteReader reader(content, source);
    Pickle parsed = parse_pickle(reader);
    std::vector<std::byte>().swap(content);  // its images are in the pickle
    return parsed;
  }();
  const std::vector<Pointer>* const both = items_of(*pickle.root);
  const std::vector<Pointer>* const images =
      both != nullptr && both->size() == 2 ? items_of(*(*both)[0]) : nullptr;
  const std::vector<Pointer>* const same =
      both != nullptr && both->size() == 2 ? items_of(*(*both)[1]) : nullptr;
  if (images == nullptr || same == nullptr) {
    fail(ErrorCode::kBadData,
         "{}: expected a pickle of two lists, images and whether pairs are of one person, found {}",
         source, kind_of(*pickle.root));
  }
  if (images->size() != 2 * same->size()) {
    fail(ErrorCode::kBadData, "{}: expected two images for each of {}, found {}", source,
         counted(same->size(), "pair"), counted(images->size(), "image"));
  }
  for (std::size_t i = 0; i < images->size(); ++i) {
    result.images.push_back(image_of(*(*images)[i], i, source));
  }
  for (std::size_t i = 0; i < same->size(); ++i) {
    result.same.push_back(truth_of(*(*same)[i], i, source));
  }
  return result;
}

}  // namespace retinaface::interchange

#include "interchange/pickle.h"

#include "support/testing.h"
#include "support/torch_writer.h"

namespace retinaface::interchange {
namespace {

using namespace std::string_literals;
using testing::error_of;
using ::testing::HasSubstr;
using testing::PickleWriter;

Pickle parse(const std::string& bytes) {
  ByteReader reader(std::as_bytes(std::span(bytes)), "file");
  return parse_pickle(reader);
}

Error refusal(const std::string& bytes) {
  return error_of([&] { parse(bytes); });
}

/// As Python's repr would show it, storages and tensors by their fields.
std::string repr(const Value& value) {
  const auto join = [](const std::vector<Pointer>& items) {
    std::string text;
    for (const Pointer item : items) text += repr(*item) + ",";
    return text;
  };
  struct Visitor {
    decltype(join)& joined;
    std::string operator()(None) const { return "None"; }
    std::string operator()(bool x) const { return x ? "True" : "False"; }
    std::string operator()(Integer x) const { return fmt::format("{}", x); }
    std::string operator()(double x) const { return fmt::format("{}", x); }
    std::string operator()(const std::string& x) const { return "'" + x + "'"; }
    std::string operator()(const ByteString& x) const { return "b'" + x.bytes + "'"; }
    std::string operator()(const List& x) const { return "[" + joined(x.items) + "]"; }
    std::string operator()(const Tuple& x) const { return "(" + joined(x.items) + ")"; }
    std::string operator()(const Dict& x) const {
      std::string text = "{";
      for (const auto& [key, item] : x.items) text += repr(*key) + ":" + repr(*item) + ",";
      return text + "}";
    }
    std::string operator()(Function) const { return "function"; }
    std::string operator()(ElementType x) const { return std::string(element_name(x)); }
    std::string operator()(const Storage& x) const {
      return fmt::format("{} {}[{}+{}]", element_name(x.type), x.key, x.first, x.elements);
    }
    std::string operator()(const TensorValue& x) const {
      return fmt::format("{} at {} {} by {}", repr(*x.storage), x.offset, graph::to_string(x.shape),
                         graph::to_string(x.strides));
    }
  };
  return std::visit(Visitor{join}, value.content);
}

std::string parsed(const std::string& bytes) {
  const Pickle pickle = parse(bytes);
  return repr(*pickle.root);
}

// Each of the next three is what Python's pickle.dumps writes for
// {"a": [1, -2, 300, 70000, 2**40], "b": (True, None, 0.5), "": ()}, by protocol.

constexpr const char* kPlainData =
    "{'a':[1,-2,300,70000,1099511627776,],'b':(True,None,0.5,),'':(),}";

TEST(Pickle, ReadsProtocol1) {
  const std::string bytes =
      "}q\x00(X\x01\x00\x00\x00"
      "aq\x01]q\x02(K\x01J\xfe\xff\xff\xffM,\x01Jp\x11\x01\x00"
      "L1099511627776L\neX\x01\x00\x00\x00"
      "bq\x03(I01\nNG?\xe0\x00\x00\x00\x00\x00\x00tq\x04"
      "X\x00\x00\x00\x00q\x05)u."s;
  EXPECT_EQ(parsed(bytes), kPlainData);
}

TEST(Pickle, ReadsProtocol2) {
  const std::string bytes =
      "\x80\x02}q\x00(X\x01\x00\x00\x00"
      "aq\x01]q\x02(K\x01J\xfe\xff\xff\xffM,\x01Jp\x11\x01\x00"
      "\x8a\x06\x00\x00\x00\x00\x00\x01"
      "eX\x01\x00\x00\x00"
      "bq\x03\x88NG?\xe0\x00\x00\x00\x00"
      "\x00\x00\x87q\x04X\x00\x00\x00\x00q\x05)u."s;
  EXPECT_EQ(parsed(bytes), kPlainData);
}

TEST(Pickle, ReadsProtocol4) {
  const std::string bytes =
      "\x80\x04\x95\x39\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01"
      "a\x94]\x94(K\x01J\xfe\xff\xff"
      "\xffM,\x01Jp\x11\x01\x00\x8a\x06\x00\x00\x00\x00\x00\x01"
      "e\x8c\x01"
      "b\x94\x88NG?\xe0\x00"
      "\x00\x00\x00\x00\x00\x87\x94\x8c\x00\x94)u."s;
  EXPECT_EQ(parsed(bytes), kPlainData);
}

TEST(Pickle, ReadsIntegersOfAnySignAndWidth) {
  EXPECT_EQ(parsed("\x8a\x01\xff."), "-1");
  EXPECT_EQ(parsed("\x8a\x00."s), "0");
  EXPECT_EQ(parsed("L-12L\n."), "-12");
  EXPECT_EQ(parsed("I00\n."), "False");
  EXPECT_EQ(parsed("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."),
            "119547037146038801333356");  // torch.save's magic number
  EXPECT_THAT(refusal("\x8a\x11" + std::string(17, 'x') + ".").what(), HasSubstr("17 bytes"));
  EXPECT_THAT(refusal("I1e3\n.").what(), HasSubstr("'1e3'"));
}

TEST(Pickle, RemembersSharedValues) {
  EXPECT_EQ(parsed(PickleWriter().raw("(").text("a").raw("q\x07h\x07t").stop()), "('a','a',)");
  EXPECT_EQ(
      parsed(PickleWriter().raw("(").text("a").raw("r\xff\xff\xff\xffj\xff\xff\xff\xfft").stop()),
      "('a','a',)");
  EXPECT_THAT(refusal("h\x05.").what(), HasSubstr("memo 5"));
}

TEST(Pickle, BuildsOrderedDicts) {
  const PickleWriter dict = PickleWriter().global("collections", "OrderedDict");
  EXPECT_EQ(parsed(PickleWriter(dict).raw(")R").text("k").raw("K\x01s}b").stop()), "{'k':1,}");
  EXPECT_EQ(parsed(PickleWriter(dict)
                       .raw("(](](")
                       .text("k")
                       .raw("K\x01"
                            "eetR")
                       .stop()),
            "{'k':1,}");  // as Python 2 writes it
  EXPECT_THAT(refusal(PickleWriter(dict)
                          .raw("(](K\x01"
                               "etR")
                          .stop())
                  .what(),
              HasSubstr("pair of key and value, found an integer"));
}

TEST(Pickle, BuildsTensors) {
  EXPECT_EQ(parsed(PickleWriter().tensor("7", 20, 2, {2, 3}, {1, 4}, "HalfStorage").stop()),
            "float16 7[0+20] at 2 (2, 3) by (1, 4)");
  const PickleWriter parameter = PickleWriter()
                                     .global("torch._utils", "_rebuild_parameter")
                                     .raw("(")
                                     .tensor("7", 20, 0, {}, {})
                                     .raw("\x88}tR");
  EXPECT_EQ(parsed(parameter.stop()), "float32 7[0+20] at 0 () by ()");
  // A view of a part of a storage, as checkpoints of before 2018 have it.
  const PickleWriter view = PickleWriter()
                                .raw("(")
                                .text("storage")
                                .global("torch", "LongStorage")
                                .text("root")
                                .text("cpu")
                                .integer(100)
                                .raw("(")
                                .text("view")
                                .integer(30)
                                .integer(70)
                                .raw("ttQ");
  EXPECT_EQ(parsed(view.stop()), "int64 root[30+70]");
}

TEST(Pickle, RefusesTensorsThatLeaveTheirStorage) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  struct Case {
    std::int64_t offset;
    std::vector<std::int64_t> shape;
    std::vector<std::int64_t> strides;
  };
  for (const Case& c :
       {Case{0, {11}, {1}}, Case{1, {10}, {1}}, Case{0, {2, 2}, {8, 2}}, Case{11, {}, {}},
        Case{0, {2, 2}, {kMax, kMax}}, Case{0, {kMax, 3}, {1, kMax}}, Case{kMax, {2}, {1}},
        Case{0, {2}, {kMax}}}) {
    EXPECT_THAT(refusal(PickleWriter().tensor("0", 10, c.offset, c.shape, c.strides).stop()).what(),
                HasSubstr("out of its storage of 10 elements"));
  }
  const auto tensor = [](std::vector<std::int64_t> shape, std::vector<std::int64_t> strides) {
    return PickleWriter().tensor("0", 10, 0, shape, strides).stop();
  };
  EXPECT_EQ(parsed(tensor({10}, {1})).substr(0, 5), "float");  // the same, one element less
  EXPECT_EQ(parsed(tensor({0, kMax}, {kMax, kMax})).substr(0, 5), "float");
  EXPECT_THAT(refusal(tensor({-1}, {1})).what(), HasSubstr("-1 is no tensor's extents"));
  EXPECT_THAT(refusal(tensor({2}, {-1})).what(), HasSubstr("-1 is no tensor's strides"));
  EXPECT_THAT(refusal(tensor({2}, {})).what(), HasSubstr("1 extents and 0 strides"));
  const std::vector<std::int64_t> nine(9, 1);
  EXPECT_THAT(refusal(tensor(nine, nine)).what(), HasSubstr("9 dimensions"));
}

TEST(Pickle, NeverRunsWhatItIsAskedTo) {
  const auto os_system = PickleWriter().global("os", "system").raw("(").text("touch /tmp/owned");
  const Error error = refusal(PickleWriter(os_system).raw("tR").stop());
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.what(), ::testing::StartsWith("file: byte 13: asks for os.system"));

  for (const auto& [module, name] :
       std::vector<std::pair<const char*, const char*>>{{"builtins", "eval"},
                                                        {"torch", "load"},
                                                        {"torch._utils", "_rebuild_tensor_v3"},
                                                        {"collections", "OrderedDict.fromkeys"},
                                                        {"torch.storage", "_load_from_bytes"}}) {
    const std::string full = fmt::format("{}.{}", module, name);
    EXPECT_THAT(refusal(PickleWriter().global(module, name).stop()).what(), HasSubstr(full));
    EXPECT_THAT(refusal(PickleWriter().text(module).text(name).raw("\x93").stop()).what(),
                HasSubstr(full));
  }
  EXPECT_EQ(refusal(PickleWriter().text("OrderedDict").raw(")R").stop()).code(),
            ErrorCode::kBadData);
}

TEST(Pickle, NamesTheOpcodesThatItRefuses) {
  for (const auto& [opcode, name] :
       std::vector<std::pair<const char*, const char*>>{{"0", "POP "},
                                                        {"1", "POP_MARK"},
                                                        {"2", "DUP"},
                                                        {"F1\n", "FLOAT"},
                                                        {"Pid\n", "PERSID"},
                                                        {"S'a'\n", "STRING"},
                                                        {"Va\n", "UNICODE"},
                                                        {"d", "DICT"},
                                                        {"g1\n", "GET"},
                                                        {"ios\nsystem\n", "INST"},
                                                        {"l", "LIST"},
                                                        {"o", "OBJ"},
                                                        {"p1\n", "PUT"},
                                                        {"\x81", "NEWOBJ"},
                                                        {"\x82", "EXT1"},
                                                        {"\x83", "EXT2"},
                                                        {"\x84", "EXT4"},
                                                        {"\x8b", "LONG4"},
                                                        {"\x8f", "EMPTY_SET"},
                                                        {"\x90", "ADDITEMS"},
                                                        {"\x91", "FROZENSET"},
                                                        {"\x92", "NEWOBJ_EX"},
                                                        {"\x96", "BYTEARRAY8"},
                                                        {"\x97", "NEXT_BUFFER"},
                                                        {"\x98", "READONLY_BUFFER"}}) {
    const Error error = refusal(PickleWriter().raw("(NN").raw(opcode).stop());
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported) << name;
    EXPECT_THAT(error.what(), HasSubstr(name));
  }
  EXPECT_EQ(refusal("\xfe.").code(), ErrorCode::kBadData);
}

TEST(Pickle, RefusesWhatMakesNoSense) {
  for (const char* const bytes : {"",
                                  ".",
                                  "N",
                                  "t.",
                                  "e.",
                                  "]e.",
                                  "(.",
                                  "N(0.",
                                  "(Na.",
                                  "]a.",
                                  "Ns.",
                                  "}(Nu.",
                                  "}Ns.",
                                  "NNR.",
                                  "NQ.",
                                  "N}b.",
                                  "N\x93.",
                                  "q\x01.",
                                  "\x94.",
                                  "cos",
                                  "cos\nsystem",
                                  "X\xff\xff\xff\xffhi",
                                  "NN\x87.",
                                  "]N(Nu.",
                                  "\x8d\xff\xff\xff\xff\xff\xff\xff\xffhi"}) {
    const Error error = refusal(bytes);
    EXPECT_EQ(error.code(),
              bytes == std::string("N(0.") ? ErrorCode::kUnsupported : ErrorCode::kBadData)
        << bytes;
    EXPECT_THAT(error.what(), ::testing::StartsWith("file: byte "));
  }
}

TEST(Pickle, MayBeCyclicOrDeep) {
  const Pickle cycle = parse(
      "]q\x01h\x01"
      "a.");
  EXPECT_EQ(std::get<List>(cycle.root->content).items.at(0), cycle.root);

  const Pickle deep = parse(")" + std::string(400'000, '\x85') + ".");
  EXPECT_EQ(std::get<Tuple>(deep.root->content).items.size(), 1U);
}

TEST(Pickle, StopsAtBombs) {
  const std::string million(1'000'000, ']');
  EXPECT_EQ(refusal(million + ".").code(), ErrorCode::kTooLarge);
  EXPECT_EQ(refusal(std::string(1'000'000, '(') + ".").code(), ErrorCode::kTooLarge);
  // Ten thousand dicts, each made of the same list of ten thousand pairs.
  PickleWriter copies;
  copies.raw("](");
  for (int i = 0; i < 10'000; ++i) copies.raw("NN\x86");
  copies.raw("eq\x01").global("collections", "OrderedDict").raw("q\x02(");
  for (int i = 0; i < 10'000; ++i) copies.raw("h\x02h\x01\x85R");
  EXPECT_EQ(refusal(copies.raw("t").stop()).code(), ErrorCode::kTooLarge);
}

TEST(Pickle, HasBytes) {
  EXPECT_EQ(
      parsed("\x80\x03(C\x02"s + "ab" + "B\x01\0\0\0"s + "c" + "\x8e\x01\0\0\0\0\0\0\0"s + "dt."),
      "(b'ab',b'c',b'd',)");
  EXPECT_THAT(refusal("B\xff\xff\xff\xff"s + "ab").what(), HasSubstr("cut short"));
}

}  // namespace
}  // namespace retinaface::interchange

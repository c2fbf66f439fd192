// XINFO: the shape of each version.
#include "unit/commands/stream_fixture.h"

namespace millrace::tests {
namespace {

constexpr uint32_t k70 = 0x0007000f;
constexpr uint32_t k72 = 0x00070204;
constexpr uint32_t k86 = 0x00080600;
constexpr uint32_t k88 = 0x00080800;

constexpr std::string_view kPrefix =
    "$6 length :1 $15 radix-tree-keys :1 $16 radix-tree-nodes :2 $17 last-generated-id $3 1-0 "
    "$20 max-deleted-entry-id $3 0-0 $13 entries-added :1 $23 recorded-first-entry-id $3 1-0 ";
constexpr std::string_view kIdempotency =
    "$13 idmp-duration :100 $12 idmp-maxsize :100 $12 pids-tracked :0 $12 iids-tracked :0 $10 iids-added :0 "
    "$15 iids-duplicates :0 ";
constexpr std::string_view kEntry = "*2 $3 1-0 *2 $1 f $1 v ";

std::string join(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text += part;
  return text;
}

class XinfoTest : public StreamCommandTest {
 protected:
  void given_stream() { given({"XADD s 1-0 f v"}); }
  void given_group() {
    given_stream();
    given({"XGROUP CREATE s g 0", "XREADGROUP GROUP g c STREAMS s >", "XGROUP CREATECONSUMER s g idle"});
  }
};

TEST_F(XinfoTest, StreamHasTenPairsBefore86) {
  given_stream();
  const std::string rest = join({kPrefix, "$6 groups :0 $11 first-entry ", kEntry, "$10 last-entry ", kEntry});
  for (const uint32_t version : {k70, k72}) {
    set_compat_version(version);
    expect("XINFO STREAM s", "*20 " + rest);
    expect_resp3("XINFO STREAM s", "%10 " + rest);
  }
}

TEST_F(XinfoTest, StreamHasSixteenPairsFrom86) {
  given_stream();
  set_compat_version(k86);
  const std::string rest =
      join({kPrefix, kIdempotency, "$6 groups :0 $11 first-entry ", kEntry, "$10 last-entry ", kEntry});
  expect("XINFO STREAM s", "*32 " + rest);
  expect_resp3("XINFO STREAM s", "%16 " + rest);
}

TEST_F(XinfoTest, FullShowsWhatEachVersionKnows) {
  given_group();
  const std::string head = "$7 entries *1 *2 $3 1-0 *2 $1 f $1 v $6 groups *1 ";
  const std::string group = "$4 name $1 g $17 last-delivered-id $3 1-0 $12 entries-read :1 $3 lag :0 $9 pel-count :1 ";
  const std::string pending = "$7 pending *1 *4 $3 1-0 $1 c :1000000 :1 $9 consumers *2 ";
  const std::string own = "$9 pel-count :1 $7 pending *1 *3 $3 1-0 :1000000 :1 ";
  const std::string seen = "$9 seen-time :1000000 ";
  const std::string active = "$11 active-time :1000000 ";
  const std::string none = "$9 pel-count :0 $7 pending *0";

  set_compat_version(k70);
  expect("XINFO STREAM s FULL", "*18 " + join({kPrefix, head, "*14 ", group, pending, "*8 $4 name $1 c ", seen, own,
                                               "*8 $4 name $4 idle ", seen, none}));
  set_compat_version(k72);
  const std::string consumers =
      join({"*10 $4 name $1 c ", seen, active, own, "*10 $4 name $4 idle ", seen, "$11 active-time :-1 ", none});
  expect("XINFO STREAM s FULL", "*18 " + join({kPrefix, head, "*14 ", group, pending, consumers}));
  set_compat_version(k86);
  expect("XINFO STREAM s FULL", "*30 " + join({kPrefix, kIdempotency, head, "*14 ", group, pending, consumers}));
  set_compat_version(k88);
  expect("XINFO STREAM s FULL",
         "*30 " + join({kPrefix, kIdempotency, head, "*16 ", group, "$12 nacked-count :0 ", pending, consumers}));
}

TEST_F(XinfoTest, FullShowsUnownedEntries) {
  given_group();
  given({"XNACK s g FAIL IDS 1 1-0"});
  set_compat_version(k88);
  EXPECT_EQ(info("XINFO STREAM s FULL", "nacked-count"), wire(":1"));
  EXPECT_THAT(run("XINFO STREAM s FULL"), ::testing::HasSubstr(wire("$7 pending *1 *4 $3 1-0 $0 '' :0 :1")));
}

TEST_F(XinfoTest, FullCountLimitsEverything) {
  given({"XADD s 1-0 f v", "XADD s 2-0 f v", "XGROUP CREATE s g 0", "XREADGROUP GROUP g c STREAMS s >"});
  for (const std::string count : {"1", "0", "-1"}) {
    const std::string reply = run("XINFO STREAM s FULL COUNT " + count);
    const std::string shown = count == "1" ? "*1" : "*2";
    EXPECT_THAT(reply, ::testing::HasSubstr(wire("$7 entries " + shown)));
    EXPECT_THAT(reply, ::testing::HasSubstr(wire("$7 pending " + shown + " *4")));
    EXPECT_THAT(reply, ::testing::HasSubstr(wire("$7 pending " + shown + " *3")));
  }
}

TEST_F(XinfoTest, ConsumersKnowSinceWhenTheyHaveBeenIdle) {
  given_group();
  pass_ms(40);
  run("XREADGROUP GROUP g c STREAMS s >");  // seen, but handed nothing
  pass_ms(2);
  expect("XINFO CONSUMERS s g",
         "*2 *8 $4 name $1 c $7 pending :1 $4 idle :2 $8 inactive :42 "
         "*8 $4 name $4 idle $7 pending :0 $4 idle :42 $8 inactive :-1");
  set_compat_version(k70);
  expect_resp3("XINFO CONSUMERS s g",
               "*2 %3 $4 name $1 c $7 pending :1 $4 idle :2 %3 $4 name $4 idle $7 pending :0 $4 idle :42");
}

TEST_F(XinfoTest, GroupsShowLagOrThatItIsUnknown) {
  given({"XADD s 1-0 f v", "XADD s 2-0 f v", "XADD s 3-0 f v", "XGROUP CREATE s g 1-0"});
  given({"XDEL s 2-0"});
  expect("XINFO GROUPS s",
         "*1 *12 $4 name $1 g $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 1-0 $12 entries-read $-1 "
         "$3 lag $-1");
  expect_resp3("XINFO GROUPS s",
               "*1 %6 $4 name $1 g $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 1-0 $12 entries-read _ "
               "$3 lag _");
}

TEST_F(XinfoTest, Refuses) {
  expect_error("XINFO STREAM s", "no such key");
  given_stream();
  expect_error("XINFO CONSUMERS s g", "-NOGROUP No such consumer group 'g' for key name 's'");
  for (const std::string_view line : {"XINFO STREAM s FUL", "XINFO STREAM s FULL COUNT", "XINFO STREAM s FULL X 1"}) {
    expect_error(line, "unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.");
  }
}

}  // namespace
}  // namespace millrace::tests

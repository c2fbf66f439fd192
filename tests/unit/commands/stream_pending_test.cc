// XPENDING entry by entry: ranges longer than what is copied at once, and that they begin and end where they are to.
#include <gtest/gtest.h>

#include <string>

#include "unit/commands/stream_fixture.h"

namespace millrace::tests {
namespace {

class StreamPendingTest : public StreamCommandTest {
 protected:
  static constexpr int kEntries = 200;

  // 1-0 to 200-0: the odd ones of `odd`, who has had them for a second longer, the even ones of `even`.
  StreamPendingTest() {
    given({"XGROUP CREATE s g 0 MKSTREAM"});
    for (int ms = 1; ms <= kEntries; ++ms) run("XADD s " + std::to_string(ms) + "-0 f v");
    run("XREADGROUP GROUP g odd STREAMS s >");
    pass_ms(1000);
    for (int ms = 2; ms <= kEntries; ms += 2) run("XCLAIM s g even 0 " + std::to_string(ms) + "-0 JUSTID");
  }
  static std::string rows(int first, int last, int step = 1) {
    std::string words = "*" + std::to_string(first > last ? 0 : (last - first) / step + 1);
    for (int ms = first; ms <= last; ms += step) {
      const std::string id = std::to_string(ms) + "-0";
      words += " *4 $" + std::to_string(id.size()) + " " + id;
      words += ms % 2 == 0 ? " $4 even :0 :1" : " $3 odd :1000 :1";
    }
    return words;
  }
};

TEST_F(StreamPendingTest, ShowsAllHoweverManyThereAre) {
  expect("XPENDING s g - + 1000", rows(1, kEntries));
  expect("XPENDING s g - + 1000 odd", rows(1, kEntries, 2));
  expect("XPENDING s g - + 1000 even", rows(2, kEntries, 2));
  expect("XPENDING s g - + 1000 nobody", "*0");
}

TEST_F(StreamPendingTest, ShowsAsManyAsAreAskedFor) {
  for (const int count : {1, 2, 31, 32, 33, 63, 64, 65, 199, 200}) {
    expect("XPENDING s g - + " + std::to_string(count), rows(1, count));
  }
  expect("XPENDING s g 7 + 70 even", rows(8, 146, 2));
  expect("XPENDING s g - + 0", "*0");
  expect("XPENDING s g - + -1", "*0");
}

TEST_F(StreamPendingTest, EndsWithTheRange) {
  expect("XPENDING s g 17-0 17-0 1", rows(17, 17));
  expect("XPENDING s g (17-0 (120-0 1000", rows(18, 119));
  expect("XPENDING s g 17 99 1000 odd", rows(17, 99, 2));
  expect("XPENDING s g 99 17 1000", "*0");
  expect("XPENDING s g 201 + 1000", "*0");
}

TEST_F(StreamPendingTest, ThoseThatAreNotIdleEnoughDoNotCount) {
  expect("XPENDING s g IDLE 1000 - + 1", rows(1, 1, 2));
  expect("XPENDING s g IDLE 1000 2 + 60", rows(3, 121, 2));
  expect("XPENDING s g IDLE 1000 - + 1000", rows(1, kEntries, 2));
  expect("XPENDING s g IDLE 1 - + 1000 even", "*0");
  expect("XPENDING s g IDLE 1001 - + 1000", "*0");
}

TEST_F(StreamPendingTest, TheGreatestIdIsTheEnd) {
  given({"XADD s 18446744073709551615-18446744073709551615 f v", "XREADGROUP GROUP g odd STREAMS s >"});
  expect("XPENDING s g 201 + 1000", "*1 *4 $41 18446744073709551615-18446744073709551615 $3 odd :0 :1");
  expect("XPENDING s g IDLE 1 201 + 1000 odd", "*0");
}

}  // namespace
}  // namespace millrace::tests

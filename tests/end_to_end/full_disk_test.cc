// What a real process does when the system takes no more of its journal: a file beyond RLIMIT_FSIZE, which is an error
// like that of a full disk, and comes with a signal that would end the process.
#include <sys/resource.h>

#include <memory>
#include <string>

#include "end_to_end/fixture.h"

namespace millrace::test {
namespace {

using testing::HasSubstr;

class FullDisk : public EndToEnd {
 protected:
  void start_here() {
    start({"--dir", directory_.path("."), "--appendonly", "yes", "--appendfsync", "always", "--save", ""});
  }
  void limit_files(rlim_t bytes) const {
    const rlimit limit{.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
    ASSERT_EQ(prlimit(server_->pid(), RLIMIT_FSIZE, &limit, nullptr), 0);
  }
  std::string call(const std::vector<std::string>& words) const { return client().call(words); }

  TemporaryDirectory directory_;
};

ON_BOTH_BACKENDS(FullDisk);

TEST_P(FullDisk, HoldsRepliesAndRefusesWritesUntilThereIsRoom) {
  start_here();
  const std::string first = call({"XADD", "s", "1-1", "f", std::string(1000, 'x')});
  EXPECT_EQ(first, "1-1");
  limit_files(2000);
  const std::unique_ptr<RespConnection> held = raw();
  held->send({"XADD", "s", "2-1", "f", std::string(1000, 'y')});
  // A write that comes before the failure is known would be held as well.
  ASSERT_TRUE(eventually([&] {
    return call({"INFO", "persistence"}).find("aof_last_write_status:err") != std::string::npos;
  }));
  EXPECT_THAT(call({"XADD", "s", "3-1", "f", "v"}), HasSubstr("File too large"));
  EXPECT_EQ(call({"XLEN", "s"}), "2");
  EXPECT_FALSE(held->has_reply(std::chrono::milliseconds(0)));

  limit_files(RLIM_INFINITY);
  EXPECT_EQ(held->read_reply(), "$3\r\n2-1\r\n");
  EXPECT_EQ(call({"XADD", "s", "4-1", "f", "v"}), "4-1");
  server_->kill_hard();
  start_here();
  EXPECT_EQ(call({"XLEN", "s"}), "3");
  expect_clean_end();
}

}  // namespace
}  // namespace millrace::test

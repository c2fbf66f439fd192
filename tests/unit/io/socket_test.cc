// Listeners, names and options, on real sockets of the loopback.
#include "io/socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>
#include <vector>

namespace millrace::io {
namespace {

class Sockets : public testing::Test {
 protected:
  ~Sockets() override {
    for (const int fd : fds_) ::close(fd);
    for (const std::string& path : files_) unlink(path.c_str());
    if (!directory_.empty()) rmdir(directory_.c_str());
  }

  int keep(int fd) {
    fds_.push_back(fd);
    return fd;
  }
  int keep(const FdOrError& fd) {
    EXPECT_TRUE(fd) << fd.error();
    return fd ? keep(*fd) : -1;
  }
  std::string path_of(const std::string& name) {
    if (directory_.empty()) {
      std::string pattern = testing::TempDir() + "millrace-socket-XXXXXX";
      directory_ = mkdtemp(pattern.data());
    }
    return files_.emplace_back(directory_ + "/" + name);
  }
  int connect_tcp(const std::string& host, int listener) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    const int fd = keep(socket(host == "::1" ? AF_INET6 : AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
    return fd;
  }
  int connect_unix(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const int fd = keep(socket(AF_UNIX, SOCK_STREAM, 0));
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }
  int accept_from(int listener) {
    set_blocking(listener, true);
    return keep(accept(listener, nullptr, nullptr));
  }
  static int option(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    getsockopt(fd, level, name, &value, &size);
    return value;
  }

 private:
  std::vector<int> fds_;
  std::vector<std::string> files_;
  std::string directory_;
};

TEST_F(Sockets, AListenerIsNonBlockingAndNotInherited) {
  const int listener = keep(listen_tcp({.host = "127.0.0.1", .port = 0}, {}));
  EXPECT_NE(local_port(listener), 0);
  EXPECT_TRUE(fcntl(listener, F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(fcntl(listener, F_GETFD) & FD_CLOEXEC);
}

TEST_F(Sockets, ATakenPortIsAnErrorWithRedissText) {
  const uint16_t port = local_port(keep(listen_tcp({.host = "127.0.0.1", .port = 0}, {})));
  const FdOrError second = listen_tcp({.host = "127.0.0.1", .port = port}, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), "bind: Address already in use");
}

TEST_F(Sockets, ListenersOfOnePortShareItWhenAllReuseIt) {
  const ListenOptions shared{.reuse_port = true};
  const uint16_t port = local_port(keep(listen_tcp({.host = "127.0.0.1", .port = 0}, shared)));
  keep(listen_tcp({.host = "127.0.0.1", .port = port}, shared));
}

TEST_F(Sockets, AConflictIsFoundAlthoughTheOtherSideReusesThePort) {
  const uint16_t port = local_port(keep(listen_tcp({.host = "127.0.0.1", .port = 0}, {.reuse_port = true})));
  EXPECT_EQ(find_port_conflict({.host = "127.0.0.1", .port = port}), "bind: Address already in use");
  EXPECT_EQ(find_port_conflict({.host = "*", .port = port}), "bind: Address already in use");
  EXPECT_EQ(find_port_conflict({.host = "127.0.0.1", .port = 0}), std::nullopt);
}

TEST_F(Sockets, AFreePortIsNoConflict) {
  const FdOrError listener = listen_tcp({.host = "127.0.0.1", .port = 0}, {.reuse_port = true});
  ASSERT_TRUE(listener);
  const uint16_t port = local_port(*listener);
  ::close(*listener);
  EXPECT_EQ(find_port_conflict({.host = "127.0.0.1", .port = port}), std::nullopt);
}

TEST_F(Sockets, BothFamiliesListenOnOnePort) {
  const FdOrError v6 = listen_tcp({.host = "::*", .port = 0}, {});
  if (!v6) GTEST_SKIP() << "no IPv6 here: " << v6.error();
  keep(listen_tcp({.host = "*", .port = local_port(keep(*v6))}, {}));
}

TEST_F(Sockets, AHostNameIsNoAddress) {
  const FdOrError listener = listen_tcp({.host = "localhost", .port = 0}, {});
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error(), "not an IP address: localhost");
}

TEST_F(Sockets, NamesOfIpv4) {
  const int listener = keep(listen_tcp({.host = "127.0.0.1", .port = 0}, {}));
  const int client = connect_tcp("127.0.0.1", listener);
  const int served = accept_from(listener);
  EXPECT_EQ(local_name(served), "127.0.0.1:" + std::to_string(local_port(listener)));
  EXPECT_EQ(peer_name(served), "127.0.0.1:" + std::to_string(local_port(client)));
  EXPECT_TRUE(is_loopback_or_unix(served));
  EXPECT_EQ(peer_name(listener), "?:0");
  EXPECT_FALSE(is_loopback_or_unix(listener));
}

TEST_F(Sockets, NamesOfIpv6) {
  const FdOrError made = listen_tcp({.host = "::1", .port = 0}, {});
  if (!made) GTEST_SKIP() << "no IPv6 here: " << made.error();
  const int listener = keep(*made);
  const int client = connect_tcp("::1", listener);
  const int served = accept_from(listener);
  EXPECT_EQ(peer_name(served), "[::1]:" + std::to_string(local_port(client)));
  EXPECT_EQ(local_name(served), "[::1]:" + std::to_string(local_port(listener)));
  EXPECT_TRUE(is_loopback_or_unix(served));
}

TEST_F(Sockets, BothEndsOfAUnixSocketGoByItsPath) {
  const std::string path = path_of("server");
  const int listener = keep(listen_unix(path, 0700, 16));
  connect_unix(path);
  const int served = accept_from(listener);
  EXPECT_EQ(peer_name(served), path + ":0");
  EXPECT_EQ(local_name(served), path + ":0");
  EXPECT_TRUE(is_loopback_or_unix(served));
  EXPECT_EQ(local_port(listener), 0);
}

TEST_F(Sockets, AUnixSocketGetsItsPermissions) {
  const std::string path = path_of("server");
  keep(listen_unix(path, 0640, 16));
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
}

TEST_F(Sockets, AStaleUnixSocketIsReplacedALiveOneIsNot) {
  const std::string path = path_of("server");
  const FdOrError first = listen_unix(path, 0, 16);
  ASSERT_TRUE(first);
  const FdOrError refused = listen_unix(path, 0, 16);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), "bind: Address already in use");
  ::close(*first);
  keep(listen_unix(path, 0, 16));
}

TEST_F(Sockets, AFileInTheWayIsNotRemoved) {
  const std::string path = path_of("precious");
  keep(open(path.c_str(), O_CREAT | O_WRONLY, 0600));
  EXPECT_FALSE(listen_unix(path, 0, 16));
  EXPECT_EQ(access(path.c_str(), F_OK), 0);
}

TEST_F(Sockets, AnOverlongUnixPathIsAnError) {
  EXPECT_FALSE(listen_unix("/" + std::string(200, 'x'), 0, 16));
  EXPECT_FALSE(listen_unix("", 0, 16));
}

TEST_F(Sockets, OptionsReachTheKernel) {
  const int fd = keep(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_TRUE(set_no_delay(fd));
  EXPECT_NE(option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_TRUE(set_keepalive(fd, 300));
  EXPECT_NE(option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 300);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 100);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
  EXPECT_TRUE(set_keepalive(fd, 1));
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 1);
  EXPECT_TRUE(set_blocking(fd, false));
  EXPECT_TRUE(fcntl(fd, F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(set_blocking(fd, true));
  EXPECT_FALSE(fcntl(fd, F_GETFL) & O_NONBLOCK);
  EXPECT_FALSE(set_no_delay(-1));
}

}  // namespace
}  // namespace millrace::io

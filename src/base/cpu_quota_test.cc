#include "base/cpu_quota.h"

#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface {
namespace {

namespace fs = std::filesystem;

/// A made-up file system with the files that say what a process may use.
class CpuQuota : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }
  double quota() const { return cpu_quota(root_.path()).value_or(-1); }

  testing::TemporaryFolder root_;
};

constexpr const char* kSecond =
    "22 28 0:20 / /proc rw - proc proc rw\n"
    "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* kFirst =
    "31 23 0:27 / /sys/fs/cgroup/cpuset rw shared:8 - cgroup cgroup rw,cpuset\n"
    "32 23 0:28 /docker/abc /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n";

TEST_F(CpuQuota, IsTheSmallestOfAllGroupsAbove) {
  write("proc/self/mountinfo", kSecond);
  write("proc/self/cgroup", "0::/user/app\n");
  write("sys/fs/cgroup/user/app/cpu.max", "max 100000\n");
  EXPECT_EQ(quota(), -1);
  write("sys/fs/cgroup/user/cpu.max", "250000 100000\n");
  EXPECT_EQ(quota(), 2.5);
  write("sys/fs/cgroup/user/app/cpu.max", "400000 100000\n");
  EXPECT_EQ(quota(), 2.5);
  write("sys/fs/cgroup/cpu.max", "50000 100000\n");
  EXPECT_EQ(quota(), 0.5);
}

TEST_F(CpuQuota, IsReadFromTheFirstVersionInAContainer) {
  write("proc/self/mountinfo", kFirst);
  write("proc/self/cgroup", "5:cpuset:/docker/abc\n4:cpu,cpuacct:/docker/abc\n");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), -1);
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "300000\n");
  EXPECT_EQ(quota(), 3);
}

TEST_F(CpuQuota, IsReadFromTheFirstVersionBelowTheMount) {
  write("proc/self/mountinfo", "32 23 0:28 / /cg rw - cgroup cgroup rw,cpu\n");
  write("proc/self/cgroup", "4:cpu:/a/b\n");
  write("cg/a/b/cpu.cfs_quota_us", "100000\n");
  write("cg/a/b/cpu.cfs_period_us", "50000\n");
  EXPECT_EQ(quota(), 2);
}

TEST_F(CpuQuota, IsNoneWhereNothingSaysSo) {
  EXPECT_EQ(quota(), -1);
  write("proc/self/mountinfo", kSecond);
  EXPECT_EQ(quota(), -1);
  write("proc/self/cgroup", "0::/../elsewhere\n");
  EXPECT_EQ(quota(), -1);
}

}  // namespace
}  // namespace retinaface

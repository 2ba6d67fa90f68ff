#include "os/file_system.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <string_view>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "os/file.h"

namespace merganser::os {
namespace {

constexpr uint64_t kFuseMagic = 0x65735546;

struct Known {
  uint64_t magic;
  std::string_view type;
  bool network;
};

// linux/magic.h, statfs(2) and the sources of those that neither lists.
constexpr std::array kKnown = {
    Known{0x6969, "nfs", true},          Known{0x517B, "smb", true},          Known{0xFF534D42, "cifs", true},
    Known{0xFE534D42, "smb2", true},     Known{0x01021997, "9p", true},       Known{0x5346414F, "afs", true},
    Known{0x6B414653, "kafs", true},     Known{0x00C36400, "ceph", true},     Known{0x73757245, "coda", true},
    Known{0x0BD00BD0, "lustre", true},   Known{0x47504653, "gpfs", true},     Known{0x564C, "ncp", true},
    Known{0x7461636F, "ocfs2", true},    Known{0x01161970, "gfs2", true},     Known{0x19830326, "beegfs", true},
    Known{0x20030528, "orangefs", true}, Known{0xAAD7AAEA, "panfs", true},    Known{0x786F4256, "vboxsf", true},
    Known{0xEF53, "ext4", false},        Known{0x58465342, "xfs", false},     Known{0x9123683E, "btrfs", false},
    Known{0x01021994, "tmpfs", false},   Known{0x794C7630, "overlay", false}, Known{0x2FC12FC1, "zfs", false},
    Known{0xF2F52010, "f2fs", false},    Known{0x858458F6, "ramfs", false},   Known{0x4D44, "vfat", false},
    Known{0x2011BAB0, "exfat", false},   Known{0x7366746E, "ntfs3", false},   Known{0xCA451A4E, "bcachefs", false},
};

// FUSE programs over a local disk. Every other one is taken for a network: it is the safe guess.
constexpr std::array<std::string_view, 6> kLocalFuse = {"fuseblk",    "fuse.ntfs-3g", "fuse.ext2",
                                                        "fuse.lxcfs", "fuse.bindfs",  "fuse.fuse-overlayfs"};

std::string mount_type_of(uint64_t device) {
  std::ifstream table("/proc/self/mountinfo");
  std::string found;
  for (std::string line; std::getline(table, line);) {
    const std::string type = mount_type_of_line(line, device);
    if (!type.empty()) found = type;  // the last mount is the one on top
  }
  return found;
}

}  // namespace

FileSystem classify_file_system(uint64_t magic, const std::string& mount_type) {
  if (magic == kFuseMagic) {
    const bool local = std::find(kLocalFuse.begin(), kLocalFuse.end(), mount_type) != kLocalFuse.end();
    return {mount_type.empty() ? "fuse" : mount_type, !local};
  }
  const auto known = std::find_if(kKnown.begin(), kKnown.end(), [&](const Known& k) { return k.magic == magic; });
  if (known != kKnown.end()) return {std::string(known->type), known->network};
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(magic));
  return {text, false};
}

std::string mount_type_of_line(const std::string& line, uint64_t device) {
  // "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw" (proc(5)); paths have no raw spaces.
  unsigned major_number = 0, minor_number = 0;
  if (std::sscanf(line.c_str(), "%*d %*d %u:%u", &major_number, &minor_number) != 2) return {};
  if (makedev(major_number, minor_number) != device) return {};
  const size_t separator = line.find(" - ");
  if (separator == std::string::npos) return {};
  const size_t begin = separator + 3;
  return line.substr(begin, line.find(' ', begin) - begin);
}

Result<FileSystem> file_system_of(const std::string& path) {
  struct statfs facts {};
  if (::statfs(path.c_str(), &facts) != 0) return errno_error(errno, "cannot ask for the file system of " + path);
  // f_type is signed and sign-extended on some architectures; the magics have 32 bits.
  const uint64_t magic = static_cast<uint32_t>(facts.f_type);
  std::string mount_type;
  if (magic == kFuseMagic) {
    MERGANSER_ASSIGN(const std::optional<FileFacts> file, file_facts(path));
    if (file) mount_type = mount_type_of(file->id.device);
  }
  return classify_file_system(magic, mount_type);
}

}  // namespace merganser::os

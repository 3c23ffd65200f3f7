#include <random>

#include "leases/volume/volume.hpp"
#include "tests/fuzz/seeds.hpp"
#include "tests/support/lease_fixture.hpp"
#include "tests/support/memory_disk.hpp"

namespace sojourn::fuzz {

using leases::InodeIndex;
using leases::Volume;
using test::MemoryDisk;

namespace {

constexpr std::uint64_t kBlockBytes = 4096;
constexpr std::uint64_t kDiskBytes = std::uint64_t{1} << 20U;
constexpr std::uint64_t kDiskBytesMax = 4 * kDiskBytes;
constexpr std::size_t kChoices = 64;  // in front of the blocks: what is done
constexpr std::size_t kOpenMax = 6;

/// The disk without its zeros: for each block its number and its bytes, behind the choices.
ByteVector packed(Bytes choices, Bytes disk) {
    ByteWriter writer;
    writer.put_bytes(choices.first(kChoices));
    for (std::uint32_t block = 0; block < disk.size() / kBlockBytes; ++block) {
        const Bytes bytes = disk.subspan(block * kBlockBytes, kBlockBytes);
        if (std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; })) continue;
        writer.put(block);
        writer.put_bytes(bytes);
    }
    return writer.take();
}

/// Blocks that lie nowhere are passed over.
ByteVector unpacked(Bytes blocks) {
    ByteVector disk(kDiskBytes);
    constexpr std::size_t kRecordBytes = sizeof(std::uint32_t) + kBlockBytes;
    for (; blocks.size() >= kRecordBytes; blocks = blocks.subspan(kRecordBytes)) {
        std::uint32_t block = 0;
        std::memcpy(&block, blocks.data(), sizeof(block));
        const Bytes bytes = blocks.subspan(sizeof(block), kBlockBytes);
        if (block < kDiskBytes / kBlockBytes)
            std::ranges::copy(bytes,
                              disk.begin() + static_cast<std::ptrdiff_t>(block * kBlockBytes));
    }
    return disk;
}

/// Does to a volume what bytes say. What it answers is nobody's business.
class Actions {
public:
    Actions(Volume& volume, Bytes choices) : volume_(volume), choices_(choices) {}

    void run() {
        while (!choices_.empty())
            act();
        for (const InodeIndex inode : open_)
            volume_.close(inode);
        static_cast<void>(volume_.verify());
    }

private:
    std::uint32_t pick(std::uint32_t count) {
        if (choices_.empty()) return 0;
        const auto choice = static_cast<std::uint8_t>(choices_.front());
        choices_ = choices_.subspan(1);
        return choice % count;
    }

    std::string path() {
        static constexpr std::array kNames = {
            "file", "directory", "link",         "directory/file", "directory/../link",
            "hard", "new",       "directory/new"};
        return kNames[pick(kNames.size())];
    }

    InodeIndex directory() {
        return pick(4) == 0 && !open_.empty() ? open_[0] : leases::kRootInode;
    }

    void act() {
        const InodeIndex at = directory();
        const InodeIndex file = open_.empty() ? leases::kRootInode : open_[pick(8) % open_.size()];
        std::string text(pick(256) * 100, 'x');
        const iovec buffer = test::buffer_of(text);
        const std::uint64_t offset = std::uint64_t{pick(256)} << pick(40);
        switch (pick(16)) {
            case 0:
                return static_cast<void>(volume_.create_directory(at, path()));
            case 1:
                return static_cast<void>(volume_.remove_directory(at, path()));
            case 2:
                return static_cast<void>(volume_.unlink_file(at, path()));
            case 3:
                return static_cast<void>(volume_.rename(at, path(), directory(), path()));
            case 4:
                return static_cast<void>(volume_.link(at, path(), directory(), path()));
            case 5:
                return static_cast<void>(volume_.symlink("directory/file", at, path()));
            case 6:
                return static_cast<void>(volume_.read_link(at, path()));
            case 7:
                return static_cast<void>(volume_.list(at));
            case 8:
                return static_cast<void>(volume_.set_size(file, offset));
            case 9:
                return static_cast<void>(volume_.allocate(file, offset, text.size()));
            case 10:
                return static_cast<void>(volume_.read(file, offset, {&buffer, 1}));
            case 11:
                return static_cast<void>(volume_.write(file, offset, {&buffer, 1}));
            case 12:
                return static_cast<void>(volume_.next_data(file, offset));
            default:
                return open(at);
        }
    }

    void open(InodeIndex at) {
        auto opened = volume_.open(at, path(), {.create = pick(2) == 0, .truncate = pick(8) == 0});
        if (opened.ok()) open_.push_back(opened->inode);
        if (open_.size() <= kOpenMax) return;
        volume_.close(open_.front());
        open_.erase(open_.begin());
    }

    Volume& volume_;
    Bytes choices_;
    std::vector<InodeIndex> open_;
};

ByteVector random_choices(std::mt19937& random) {
    ByteVector choices(kChoices);
    for (std::byte& choice : choices)
        choice = static_cast<std::byte>(random());
    return choices;
}

}  // namespace

Seeds seeds_of_volume() {
    Seeds seeds;
    std::mt19937 random(1);
    const test::ManualClock clock;
    MemoryDisk disk(kDiskBytesMax);
    const auto volume = *Volume::format(disk, clock, "data");
    static_cast<void>(volume->create_directory(leases::kRootInode, "directory"));
    seeds.push_back(packed(random_choices(random), disk.content()));
    for (int seed = 0; seed < 4; ++seed) {
        for (int round = 0; round < 8; ++round)
            Actions(*volume, random_choices(random)).run();
        EXPECTS(volume->verify().empty(), "a volume that nobody has damaged holds");
        const auto end = std::min<std::size_t>(disk.content().size(), kDiskBytes);
        seeds.push_back(packed(random_choices(random), Bytes(disk.content()).first(end)));
    }
    return seeds;
}

void run_volume(Bytes input) {
    if (input.size() < kChoices) return;
    const test::ManualClock clock;
    MemoryDisk disk(kDiskBytesMax, unpacked(input.subspan(kChoices)));
    const auto volume = Volume::mount(disk, clock);
    if (!volume.ok()) return;
    static_cast<void>((*volume)->verify());
    Actions(**volume, input.first(kChoices)).run();
    // What was accepted is accepted again.
    EXPECTS(Volume::mount(disk, clock).ok() || !(*volume)->list(leases::kRootInode).ok(),
            "a volume that has its root is mounted");
}

}  // namespace sojourn::fuzz

#include "leases/volume/volume.hpp"

#include <catch2/catch.hpp>

#include "leases/volume/internal/layout.hpp"
#include "leases/volume/volume_directory.hpp"
#include "tests/support/lease_fixture.hpp"
#include "tests/support/memory_disk.hpp"

using namespace sojourn;
using namespace sojourn::leases;
using namespace sojourn::test;
using volume::kBlockBytes;

namespace {

constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20U;

/// A volume on a disk in memory, without a guest.
struct VolumeFixture {
    ManualClock clock;
    MemoryDisk disk;
    std::unique_ptr<Volume> volume;

    explicit VolumeFixture(std::uint64_t size_bytes_max = 64 * kMebibyte)
        : disk(size_bytes_max), volume(*Volume::format(disk, clock, "data")) {}

    ~VolumeFixture() { CHECK(volume->verify() == std::vector<std::string>()); }

    void remount() { volume = *Volume::mount(disk, clock); }

    InodeIndex create(std::string_view path) {
        auto opened = volume->open(kRootInode, path, {.create = true, .write = true});
        REQUIRE(opened.ok());
        return opened->inode;
    }
    Errno unlink(std::string_view path) { return volume->unlink_file(kRootInode, path).error(); }

    Answer<std::size_t> write(InodeIndex file, std::uint64_t offset, std::string text) {
        const iovec buffer = buffer_of(text);
        return volume->write(file, offset, {&buffer, 1});
    }
    std::string read(InodeIndex file, std::uint64_t offset, std::size_t length) {
        std::string text(length, '?');
        const iovec buffer = buffer_of(text);
        text.resize(*volume->read(file, offset, {&buffer, 1}));
        return text;
    }
    std::uint64_t size_of(InodeIndex file) { return volume->status(file)->size_bytes; }
};

std::string pattern(std::size_t length) {
    std::string text(length, '\0');
    for (std::size_t i = 0; i < length; ++i)
        text[i] = static_cast<char>('a' + i / kBlockBytes % 26);
    return text;
}

}  // namespace

TEST_CASE("a volume is there again when it is mounted", "[leases][volume]") {
    VolumeFixture fixture;
    const InodeIndex file = fixture.create("file");
    REQUIRE(*fixture.write(file, 0, "text") == 4);
    fixture.volume->close(file);

    fixture.remount();

    REQUIRE(fixture.volume->name() == "data");
    REQUIRE(fixture.volume->size_bytes_max() == 64 * kMebibyte);
    const auto found = fixture.volume->find(kRootInode, "file", true);
    REQUIRE(fixture.read(Answer(found)->inode, 0, 100) == "text");
}

TEST_CASE("a file that is open stays when it has lost its name, in other lives too",
          "[leases][volume]") {
    VolumeFixture fixture;
    const std::uint64_t used_before = fixture.volume->used_bytes();
    const InodeIndex file = fixture.create("file");
    REQUIRE(fixture.volume->open_again(file, FileType::regular_file).ok());
    REQUIRE(fixture.write(file, 0, pattern(100'000)).ok());

    REQUIRE(fixture.unlink("file") == Errno::success);
    fixture.remount();
    fixture.volume->close(file);
    fixture.remount();

    REQUIRE(fixture.volume->expect_open(file, FileType::regular_file).ok());
    REQUIRE(fixture.volume->status(file)->link_count == 0);
    REQUIRE(fixture.read(file, 0, 200'000) == pattern(100'000));
    fixture.volume->close(file);
    REQUIRE(fixture.volume->expect_open(file, FileType::regular_file).error() == Errno::io);
    REQUIRE(fixture.volume->used_bytes() <= used_before + 2 * kBlockBytes);
}

TEST_CASE("a directory that is open stays when it is removed, and takes nothing up",
          "[leases][volume]") {
    VolumeFixture fixture;
    REQUIRE(fixture.volume->create_directory(kRootInode, "inner").ok());
    const auto inner = *fixture.volume->open(kRootInode, "inner", {.directory = true});

    REQUIRE(fixture.volume->remove_directory(kRootInode, "inner").ok());

    REQUIRE(fixture.volume->list(inner.inode)->size() == 2);
    REQUIRE(fixture.volume->open(inner.inode, "file", {.create = true}).error() == Errno::noent);
    REQUIRE(fixture.volume->create_directory(inner.inode, "deeper").error() == Errno::noent);
    fixture.volume->close(inner.inode);
    REQUIRE(fixture.volume->list(inner.inode).error() == Errno::io);
}

TEST_CASE("a file written in order lies in order on the disk", "[leases][volume]") {
    VolumeFixture fixture;
    const InodeIndex file = fixture.create("file");
    constexpr std::size_t kPiece = 65'536;
    constexpr std::size_t kPieces = 160;  // 10 MiB: three blocks of pointers

    for (std::size_t piece = 0; piece < kPieces; ++piece)
        REQUIRE(fixture.write(file, piece * kPiece, pattern(kPiece)).ok());

    const std::string content = pattern(kPiece);
    const auto& disk = fixture.disk.content();
    std::size_t run = 0;
    std::size_t longest = 0;
    for (std::size_t at = 0; at + kBlockBytes <= disk.size(); at += kBlockBytes) {
        const std::string_view block = as_text(Bytes(disk).subspan(at, kBlockBytes));
        const bool is_content =
            block.find_first_not_of(block.front()) == std::string::npos && block.front() >= 'a';
        run = is_content ? run + 1 : 0;
        longest = std::max(longest, run);
    }
    REQUIRE(longest >= 1000);
    for (std::size_t piece = 0; piece < kPieces; ++piece)
        REQUIRE(fixture.read(file, piece * kPiece, kPiece) == content);
}

TEST_CASE("holes take no room and read as zeros", "[leases][volume]") {
    VolumeFixture fixture;
    const InodeIndex file = fixture.create("file");
    const std::uint64_t far = std::uint64_t{3} << 40U;
    const std::uint64_t used_before = fixture.volume->used_bytes();

    REQUIRE(*fixture.write(file, far, "end") == 3);

    REQUIRE(fixture.size_of(file) == far + 3);
    REQUIRE(fixture.volume->used_bytes() <= used_before + 5 * kBlockBytes);
    REQUIRE(fixture.read(file, 12'345, 10) == std::string(10, '\0'));
    REQUIRE(fixture.read(file, far - 2, 10) == std::string(2, '\0') + "end");
    REQUIRE(*fixture.volume->next_data(file, 0) == far / kBlockBytes * kBlockBytes);
    REQUIRE(*fixture.volume->next_data(file, far) == far);
    REQUIRE(fixture.write(file, volume::kFileBytesMax, "x").error() == Errno::fbig);
    REQUIRE(fixture.volume->set_size(file, volume::kFileBytesMax + 1).error() == Errno::fbig);
}

TEST_CASE("what is cut off is zeros when the file grows again, and takes no room in a store",
          "[leases][volume]") {
    VolumeFixture fixture;
    const InodeIndex file = fixture.create("file");
    const std::size_t stored_before = fixture.disk.stored_blocks();
    REQUIRE(fixture.write(file, 0, pattern(5'000'000)).ok());

    REQUIRE(fixture.volume->set_size(file, 10).ok());
    REQUIRE(fixture.volume->set_size(file, 5'000'000).ok());

    REQUIRE(fixture.read(file, 0, 20) == std::string(10, 'a') + std::string(10, '\0'));
    REQUIRE(fixture.read(file, 4'000'000, 3) == std::string(3, '\0'));
    REQUIRE(fixture.disk.stored_blocks() <= stored_before + 4);
    REQUIRE(fixture.unlink("file") == Errno::success);
    fixture.volume->close(file);
    REQUIRE(fixture.disk.stored_blocks() <= stored_before + 1);
}

TEST_CASE("a full volume says so, keeps what it has, and takes more when there is room",
          "[leases][volume]") {
    VolumeFixture fixture(kMebibyte);
    const InodeIndex file = fixture.create("file");
    std::uint64_t written = 0;
    Errno error = Errno::success;

    while (error == Errno::success) {
        auto count = fixture.write(file, written, pattern(10'000));
        error = count.error();
        if (count.ok()) written += *count;
    }

    REQUIRE(error == Errno::nospc);
    REQUIRE(written > kMebibyte * 9 / 10);
    REQUIRE(fixture.size_of(file) == written);
    REQUIRE(fixture.volume->create_directory(kRootInode, "inner").ok());
    REQUIRE(fixture.volume->symlink("target", kRootInode, "link").error() == Errno::nospc);
    REQUIRE(fixture.volume->allocate(file, 0, 2 * kMebibyte).error() == Errno::nospc);
    REQUIRE(fixture.size_of(file) == written);
    REQUIRE(fixture.volume->set_size(file, 0).ok());
    REQUIRE(*fixture.write(file, 0, pattern(500'000)) == 500'000);
}

TEST_CASE("a directory of many names finds each, and shrinks to nothing", "[leases][volume]") {
    VolumeFixture fixture;
    constexpr int kNames = 20'000;
    const auto name_of = [](int number) { return "a name with number " + std::to_string(number); };

    for (int number = 0; number < kNames; ++number)
        fixture.volume->close(fixture.create(name_of(number)));
    fixture.remount();

    REQUIRE(fixture.volume->list(kRootInode)->size() == kNames + 2);
    for (int number = 0; number < kNames; number += 7)
        REQUIRE(fixture.volume->find(kRootInode, name_of(number), false).ok());
    REQUIRE(fixture.volume->find(kRootInode, "another", false).error() == Errno::noent);
    for (int number = 0; number < kNames; ++number)
        REQUIRE(fixture.unlink(name_of(number)) == Errno::success);
    REQUIRE(fixture.volume->list(kRootInode)->size() == 2);
}

TEST_CASE("a volume grows over the ends of its groups", "[leases][volume]") {
    VolumeFixture fixture(300 * kMebibyte);
    const InodeIndex file = fixture.create("file");
    const std::string piece = pattern(kMebibyte);

    for (std::uint64_t at = 0; at < 280 * kMebibyte; at += kMebibyte)
        REQUIRE(*fixture.write(file, at, piece) == kMebibyte);

    for (std::uint64_t at = 0; at < 280 * kMebibyte; at += 13 * kMebibyte)
        REQUIRE(fixture.read(file, at, kMebibyte) == piece);
}

TEST_CASE("times are those of the last change, or those that are set", "[leases][volume]") {
    VolumeFixture fixture;
    const InodeIndex file = fixture.create("file");
    const std::uint64_t created = fixture.clock.realtime;
    fixture.clock.realtime += 1'000;

    REQUIRE(fixture.write(file, 0, "text").ok());

    REQUIRE(fixture.volume->status(file)->modified_ns == created + 1'000);
    REQUIRE(fixture.volume->status(file)->accessed_ns == created);
    REQUIRE(fixture.volume->set_times(file, {timespec{7, 5}, timespec{0, UTIME_OMIT}}).ok());
    REQUIRE(fixture.volume->status(file)->accessed_ns == 7'000'000'005);
    REQUIRE(fixture.volume->status(file)->modified_ns == created + 1'000);
}

TEST_CASE("a directory does not move into itself", "[leases][volume]") {
    VolumeFixture fixture;
    REQUIRE(fixture.volume->create_directory(kRootInode, "a").ok());
    REQUIRE(fixture.volume->create_directory(kRootInode, "a/b").ok());

    REQUIRE(fixture.volume->rename(kRootInode, "a", kRootInode, "a/b/c").error() == Errno::inval);
    REQUIRE(fixture.volume->rename(kRootInode, "a/b", kRootInode, "a").error() == Errno::notempty);
    REQUIRE(fixture.volume->rename(kRootInode, "a/b", kRootInode, "b").ok());
    REQUIRE(fixture.volume->rename(kRootInode, "a", kRootInode, "b/a").ok());
}

TEST_CASE("what is no volume, or of another build, is not mounted", "[leases][volume]") {
    VolumeFixture fixture;
    ByteVector content = fixture.disk.content();
    MemoryDisk empty(kMebibyte);
    MemoryDisk cut(64 * kMebibyte, ByteVector(content.begin(), content.begin() + 65'536));
    ByteVector crowded_content = content;
    crowded_content[31] = std::byte{1};  // 2^24 inodes, and blocks for none of them
    MemoryDisk crowded(64 * kMebibyte, crowded_content);
    content[8] = std::byte{9};
    MemoryDisk newer(64 * kMebibyte, content);

    REQUIRE(Volume::mount(empty, fixture.clock).error().code == ErrorCode::corrupt);
    REQUIRE(Volume::mount(cut, fixture.clock).error().code == ErrorCode::corrupt);
    REQUIRE(Volume::mount(crowded, fixture.clock).error().code == ErrorCode::corrupt);
    REQUIRE(Volume::mount(newer, fixture.clock).error().code == ErrorCode::unsupported_format);
}

TEST_CASE("names of volumes are words", "[leases][volume]") {
    REQUIRE(is_volume_name("data"));
    REQUIRE(is_volume_name("2.data_of-mine"));
    REQUIRE_FALSE(is_volume_name(""));
    REQUIRE_FALSE(is_volume_name(".hidden"));
    REQUIRE_FALSE(is_volume_name("a/b"));
    REQUIRE_FALSE(is_volume_name("a:b"));
    REQUIRE_FALSE(is_volume_name(std::string(65, 'x')));
}

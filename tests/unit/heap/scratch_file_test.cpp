#include "heap/internal/scratch_file.hpp"

#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/support/file_size_limit.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace sojourn;
using namespace sojourn::heap;

namespace {

constexpr std::uint64_t kUnitBytes = 4096;

ByteVector unit_of(int value) {
    return ByteVector(kUnitBytes, static_cast<std::byte>(value));
}

ByteVector content_of(const ScratchFile& scratch, ScratchSlot slot) {
    ByteVector content(kUnitBytes);
    REQUIRE(scratch.read(slot, content).ok());
    return content;
}

}  // namespace

TEST_CASE("a slot keeps its unit while it has an owner", "[heap]") {
    const auto scratch = ScratchFile::create({}, kUnitBytes).value();
    const ScratchSlot one = scratch->write(unit_of(1)).value();
    const ScratchSlot two = scratch->write(unit_of(2)).value();
    scratch->share(one);

    scratch->release(one);
    REQUIRE(scratch->used_slots() == 2);
    const ScratchSlot three = scratch->write(unit_of(3)).value();
    REQUIRE(content_of(*scratch, one) == unit_of(1));
    REQUIRE(content_of(*scratch, two) == unit_of(2));

    scratch->release(one);
    REQUIRE(scratch->write(unit_of(4)).value() == one);
    REQUIRE(content_of(*scratch, one) == unit_of(4));
    REQUIRE(content_of(*scratch, three) == unit_of(3));
    REQUIRE(scratch->used_slots() == 3);
}

TEST_CASE("a scratch file has no name", "[heap]") {
    const tests::TemporaryFolder folder;
    const auto scratch = ScratchFile::create(folder.path(), kUnitBytes).value();
    REQUIRE(scratch->write(unit_of(1)).ok());

    REQUIRE(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a slot that cannot be written is free again", "[heap]") {
    const auto scratch = ScratchFile::create({}, kUnitBytes).value();
    const ScratchSlot one = scratch->write(unit_of(1)).value();
    const auto refused = [&] {
        const tests::FileSizeLimit limit(kUnitBytes);
        return scratch->write(unit_of(2));
    }();

    REQUIRE_FALSE(refused.ok());
    REQUIRE(scratch->used_slots() == 1);
    REQUIRE(content_of(*scratch, one) == unit_of(1));
    REQUIRE(content_of(*scratch, scratch->write(unit_of(3)).value()) == unit_of(3));
}

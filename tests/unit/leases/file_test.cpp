#include "leases/file.hpp"

#include <catch2/catch.hpp>

#include "tests/support/lease_fixture.hpp"

using namespace sojourn;
using namespace sojourn::leases;
using namespace sojourn::test;
namespace fs = std::filesystem;

namespace {

const OpenRequest kToAppend{.create = true, .write = true, .flags = kAppend};
const OpenRequest kToWriteAnew{.create = true, .truncate = true, .write = true};
const OpenRequest kToChange{.read = true, .write = true};
const OpenRequest kToRead{.read = true};

struct FileFixture : HostFixture {
    TemporaryFolder folder;
    std::unique_ptr<HostDirectory> directory = granted(folder);

    std::unique_ptr<Descriptor> open(const std::string& name, const OpenRequest& request) {
        auto opened = directory->open(name, request);
        REQUIRE(opened.ok());
        return std::move(*opened);
    }

    std::unique_ptr<Service> restored(const Result<ByteVector>& state) {
        auto service = restore_service(ServiceKind::file, state.value());
        REQUIRE(service.ok());
        return std::move(*service);
    }
};

Descriptor& as_descriptor(const std::unique_ptr<Service>& service) {
    return static_cast<Descriptor&>(*service);
}

}  // namespace

TEST_CASE("a file keeps a position of its own", "[leases]") {
    FileFixture fixture;
    fixture.folder.write("file", "0123456789");
    const auto file = fixture.open("file", kToChange);

    REQUIRE(*read_text(*file, 3) == "012");
    REQUIRE(write_text(*file, "ab") == Errno::success);
    REQUIRE(*file->seek(-2, Whence::end) == 8);
    REQUIRE(*read_text(*file) == "89");
    REQUIRE(*read_text(*file) == "");
    REQUIRE(*file->seek(-9, Whence::current) == 1);
    REQUIRE(file->readable_bytes() == 9);
    REQUIRE(file->seek(-2, Whence::current).error() == Errno::inval);
    REQUIRE(file->seek(INT64_MAX, Whence::current).error() == Errno::overflow);
    REQUIRE(fixture.folder.read("file") == "012ab56789");
}

TEST_CASE("writing at an offset does not append, and appending goes on", "[leases]") {
    FileFixture fixture;
    const auto file = fixture.open("log", kToAppend);
    REQUIRE(write_text(*file, "0123") == Errno::success);
    std::string text = "AB";
    const iovec buffer = buffer_of(text);

    REQUIRE(*file->write_at({&buffer, 1}, 1) == 2);
    REQUIRE(write_text(*file, "4") == Errno::success);

    REQUIRE(fixture.folder.read("log") == "0AB34");
}

TEST_CASE("a file does only what it was opened for", "[leases]") {
    FileFixture fixture;
    fixture.folder.write("file", "text");
    const auto reader = fixture.open("file", kToRead);
    const auto writer = fixture.open("file", {.write = true});

    REQUIRE(write_text(*reader, "x") == Errno::badf);
    REQUIRE(reader->set_size(0) == Errno::inval);
    REQUIRE(reader->allocate(0, 10) == Errno::badf);
    REQUIRE(read_text(*writer).error() == Errno::badf);
    REQUIRE(fixture.folder.read("file") == "text");
}

TEST_CASE("a resume leaves a file that was only read as it is", "[leases]") {
    FileFixture fixture;
    fixture.folder.write("file", "0123");
    const auto file = fixture.open("file", kToRead);
    REQUIRE(*read_text(*file, 2) == "01");
    const auto checkpoint = file->capture();
    fixture.folder.write("file", "0123456789");

    const auto resumed = fixture.restored(checkpoint);
    REQUIRE(resumed->reacquire(fixture.host).ok());

    REQUIRE(*read_text(as_descriptor(resumed)) == "23456789");
}

TEST_CASE("a file that differs is refused, or can't be had again", "[leases]") {
    FileFixture fixture;
    const auto file = fixture.open("log", kToAppend);
    REQUIRE(write_text(*file, "0123456789") == Errno::success);
    const auto checkpoint = file->capture();
    const auto resumed = fixture.restored(checkpoint);

    SECTION("shorter") {
        fs::resize_file(fixture.folder.path() / "log", 9);

        const auto result = resumed->probe(fixture.host);

        REQUIRE(result.error().message.find("has 9 bytes, at the checkpoint it had 10") !=
                std::string::npos);
    }
    SECTION("of the same length and another content") {
        fixture.folder.write("log", "0123456798");

        const auto result = resumed->probe(fixture.host);

        REQUIRE(result.error().message.find("has changed since the checkpoint") !=
                std::string::npos);
    }
    SECTION("gone") {
        fs::remove(fixture.folder.path() / "log");

        const auto result = resumed->reacquire(fixture.host);

        REQUIRE(result.error().code == ErrorCode::not_found);
        REQUIRE_FALSE(fs::exists(fixture.folder.path() / "log"));
    }
    SECTION("a directory now") {
        fs::remove(fixture.folder.path() / "log");
        fs::create_directory(fixture.folder.path() / "log");

        REQUIRE_FALSE(resumed->reacquire(fixture.host).ok());
    }
    SECTION("a link out of the grant now") {
        const TemporaryFolder outside;
        outside.write("victim", "0123456789 and more");
        fs::remove(fixture.folder.path() / "log");
        fs::create_symlink(outside.path() / "victim", fixture.folder.path() / "log");

        const auto result = resumed->reacquire(fixture.host);

        REQUIRE(result.error().code == ErrorCode::permission_denied);
        REQUIRE(outside.read("victim") == "0123456789 and more");
    }
}

TEST_CASE("a file removed while it was open is not mistaken for one that took its name",
          "[leases]") {
    FileFixture fixture;
    fixture.folder.write("file", "ours");
    const auto file = fixture.open("file", kToChange);
    fs::remove(fixture.folder.path() / "file");
    fixture.folder.write("file", "another one");

    const auto resumed = fixture.restored(file->capture());
    const auto result = resumed->reacquire(fixture.host);

    REQUIRE(result.error().message.find("removed while it was open") != std::string::npos);
    REQUIRE(fixture.folder.read("file") == "another one");
}

TEST_CASE("giving a file back and getting it again in one life cuts nothing", "[leases]") {
    FileFixture fixture;
    const auto file = fixture.open("log", kToAppend);
    REQUIRE(write_text(*file, "ours ") == Errno::success);
    REQUIRE(file->capture().ok());
    file->release();
    fixture.folder.write("log", "ours theirs ");

    REQUIRE(file->reacquire(fixture.host).ok());

    REQUIRE(write_text(*file, "ours") == Errno::success);
    REQUIRE(fixture.folder.read("log") == "ours theirs ours");
}

TEST_CASE("the flags of a file last across a resume", "[leases]") {
    FileFixture fixture;
    fixture.folder.write("file", "0123");
    const auto file = fixture.open("file", kToChange);
    REQUIRE(file->set_flags(kAppend) == Errno::success);
    REQUIRE(file->set_flags(kSync) == Errno::notsup);

    const auto resumed = fixture.restored(file->capture());
    REQUIRE(resumed->reacquire(fixture.host).ok());

    REQUIRE(as_descriptor(resumed).flags() == kAppend);
    REQUIRE(write_text(as_descriptor(resumed), "end") == Errno::success);
    REQUIRE(fixture.folder.read("file") == "0123end");
}

TEST_CASE("a saved file that contradicts itself is refused", "[leases]") {
    FileFixture fixture;
    const auto file = fixture.open("file", kToAppend);
    const auto state = *file->capture();

    for (std::size_t length = 0; length < state.size(); ++length) {
        const auto restored = restore_service(ServiceKind::file, Bytes(state).first(length));
        REQUIRE(restored.error().code == ErrorCode::corrupt);
    }

    auto read_only = state;
    const std::size_t flag = 4 + fixture.folder.name().size() + 4 + std::string("file").size();
    read_only[flag] = std::byte{1};
    const auto restored = restore_service(ServiceKind::file, read_only);
    REQUIRE(restored.error().code == ErrorCode::corrupt);
}

#include <cstdlib>
#include <iostream>
#include <random>

#include <catch2/catch.hpp>

#include "leases/volume/volume_directory.hpp"
#include "leases/volume/volume_file.hpp"
#include "tests/support/lease_fixture.hpp"
#include "tests/support/memory_disk.hpp"

using namespace sojourn;
using namespace sojourn::leases;
using namespace sojourn::test;

namespace {

constexpr std::size_t kOpenMax = 8;
constexpr int kSteps = 6000;
constexpr int kRemountEvery = 7;
constexpr std::uint64_t kFileBytesMax = 50'000;

std::uint64_t announced_seed() {
    const char* given = std::getenv("SOJOURN_SEED");
    const std::uint64_t seed =
        given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    std::cerr << "volume: repeat with SOJOURN_SEED=" << seed << "\n";
    return seed;
}

std::uint64_t effort() {
    const char* given = std::getenv("SOJOURN_TEST_EFFORT");
    return given == nullptr ? 1 : std::strtoull(given, nullptr, 10);
}

/// The same thing on the host and in a volume.
struct Twins {
    std::unique_ptr<Descriptor> on_host;
    std::unique_ptr<Descriptor> in_volume;

    [[nodiscard]] bool is_directory() const { return on_host->type() == FileType::directory; }
    [[nodiscard]] Directory& host_directory() const { return static_cast<Directory&>(*on_host); }
    [[nodiscard]] Directory& volume_directory() const {
        return static_cast<Directory&>(*in_volume);
    }
};

/// Does the same to a directory of the host and to a volume, at random, and compares what they say.
/// The volume is written down and mounted anew again and again.
class Comparison {
public:
    explicit Comparison(std::uint64_t seed) : random_(seed) {
        fixture_.host.volumes = volumes_.get();
        disk_ = *volumes_->create("twin", std::uint64_t{64} << 20U);
        open_.push_back(
            {granted(folder_), *VolumeDirectory::grant(disk_, "/data", false, fixture_.host)});
    }

    void run(int steps) {
        for (int step = 0; step < steps; ++step) {
            if (step % kRemountEvery == 0) remount();
            INFO("step " << step);
            do_something();
            if (step % 100 == 0) REQUIRE((*volumes_->find(disk_))->verify().empty());
        }
    }

    /// Removes everything: then nothing but the root takes room.
    void expect_nothing_left() {
        while (open_.size() > 1)
            close(1);
        remove_all(open_[0].volume_directory());
        const Volume& volume = **volumes_->find(disk_);
        REQUIRE(volume.verify() == std::vector<std::string>());
    }

private:
    std::uint64_t pick(std::uint64_t count) { return random_() % count; }
    bool chance(std::uint64_t of) { return pick(of) == 0; }

    std::string component() {
        static const std::array<const char*, 9> kNames = {
            "a", "b", "c", "d", "a", "b", ".", "..", "long-name-long-name-long-name"};
        return kNames[pick(kNames.size())];
    }

    std::string path() {
        if (chance(60)) return std::array{"", "/a", "//"}[pick(3)];
        std::string path = component();
        while (chance(2))
            path += (chance(20) ? "//" : "/") + component();
        if (chance(8)) path += '/';
        return path;
    }

    Twins& directory() {
        for (;;) {
            Twins& twins = open_[pick(open_.size())];
            if (twins.is_directory()) return twins;
        }
    }

    /// The volume, and all that is open in it, in another life.
    void remount() {
        volumes_ = std::make_unique<Volumes>(disks_, fixture_.clock);
        fixture_.host.volumes = volumes_.get();
        for (Twins& twins : open_) {
            const ServiceKind kind = twins.in_volume->kind();
            const auto state = twins.in_volume->capture();
            auto restored = restore_service(kind, *state);
            REQUIRE(restored.ok());
            REQUIRE((*restored)->reacquire(fixture_.host).ok());
            twins.in_volume.reset(static_cast<Descriptor*>(restored->release()));
        }
    }

    void close(std::size_t index) {
        open_[index].in_volume->let_go();
        open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(index));
    }

    void expect_same(Errno on_host, Errno in_volume) { REQUIRE(in_volume == on_host); }

    void do_something() {
        switch (pick(14)) {
            case 0:
                return act_on_name("create_directory", [](Directory& at, const std::string& name) {
                    return at.create_directory(name);
                });
            case 1:
                return act_on_name("remove_directory", [](Directory& at, const std::string& name) {
                    return at.remove_directory(name);
                });
            case 2:
                return act_on_name("unlink_file", [](Directory& at, const std::string& name) {
                    return at.unlink_file(name);
                });
            case 3: {
                const std::string target = path();
                return act_on_name("symlink to " + target,
                                   [&](Directory& at, const std::string& name) {
                                       return at.symlink(target, name);
                                   });
            }
            case 4:
                return act_on_names("rename", &Directory::rename);
            case 5:
                return act_on_names("link", &Directory::link);
            case 6:
                return compare_link();
            case 7:
                return compare_status();
            case 8:
            case 9:
            case 10:
                return open_something();
            case 11:
                return compare_lists();
            default:
                return use_file();
        }
    }

    template <typename Act>
    void act_on_name(const std::string& what, const Act& act) {
        const bool is_long = chance(60);  // which a directory that was removed does not look at
        const std::string name = is_long ? std::string(256, 'x') : path();
        INFO(what << " " << name);
        Twins& at = is_long ? open_[0] : directory();
        expect_same(act(at.host_directory(), name), act(at.volume_directory(), name));
    }

    void act_on_names(const std::string& what,
                      Errno (Directory::*act)(std::string_view, Directory&, std::string_view)) {
        const std::string name = path();
        const std::string new_name = path();
        INFO(what << " " << name << " " << new_name);
        Twins& from = directory();
        Twins& to = directory();
        const Errno on_host = (from.host_directory().*act)(name, to.host_directory(), new_name);
        const Errno in_volume =
            (from.volume_directory().*act)(name, to.volume_directory(), new_name);
        // Of a name in a directory that was removed, the kernel may remember that it is not there:
        // then it comes to look at the slash.
        const bool may_come_to_slash = (name.ends_with('/') || new_name.ends_with('/')) &&
                                       on_host == Errno::notdir && in_volume == Errno::noent;
        if (may_come_to_slash && to.host_directory().status()->link_count == 0) return;
        expect_same(on_host, in_volume);
    }

    void compare_link() {
        const std::string name = path();
        INFO("read_link " << name);
        Twins& at = directory();
        auto on_host = at.host_directory().read_link(name);
        auto in_volume = at.volume_directory().read_link(name);
        expect_same(on_host.error(), in_volume.error());
        REQUIRE(*on_host == *in_volume);
    }

    void compare_status() {
        const std::string name = path();
        const bool follow = chance(2);
        INFO("status_of " << name << (follow ? ", followed" : ""));
        Twins& at = directory();
        auto on_host = at.host_directory().status_of(name, follow);
        auto in_volume = at.volume_directory().status_of(name, follow);
        expect_same(on_host.error(), in_volume.error());
        if (on_host.ok()) expect_same(*on_host, *in_volume);
    }

    static void expect_same(const FileStatus& on_host, const FileStatus& in_volume) {
        REQUIRE(in_volume.type == on_host.type);
        if (on_host.type == FileType::directory) return;
        REQUIRE(in_volume.size_bytes == on_host.size_bytes);
        REQUIRE(in_volume.link_count == on_host.link_count);
    }

    void open_something() {
        const std::string name = path();
        OpenRequest request;
        request.follow = !chance(3);
        request.create = chance(2);
        request.directory = chance(4);
        request.exclusive = chance(6);
        request.truncate = chance(6);
        request.read = !chance(4);
        request.write = chance(2);
        if (chance(4)) request.flags = kAppend;
        INFO("open " << name << " follow " << request.follow << " create " << request.create
                     << " directory " << request.directory << " exclusive " << request.exclusive
                     << " truncate " << request.truncate << " write " << request.write);
        Twins& at = directory();
        auto on_host = at.host_directory().open(name, request);
        auto in_volume = at.volume_directory().open(name, request);
        expect_same(on_host.error(), in_volume.error());
        if (!on_host.ok()) return;
        open_.push_back({std::move(*on_host), std::move(*in_volume)});
        if (open_.size() > kOpenMax) close(1 + pick(open_.size() - 1));
    }

    void compare_lists() {
        Twins& at = directory();
        auto on_host = at.host_directory().entries_from(0);
        auto in_volume = at.volume_directory().entries_from(0);
        expect_same(on_host.error(), in_volume.error());
        if (!on_host.ok()) return;
        // In one that was removed the host shows neither `.` nor `..`.
        if (on_host->empty()) return;
        REQUIRE(in_volume->size() == on_host->size());
        for (std::size_t i = 0; i < on_host->size(); ++i) {
            REQUIRE((*in_volume)[i].name == (*on_host)[i].name);
            REQUIRE((*in_volume)[i].type == (*on_host)[i].type);
        }
    }

    void use_file() {
        Twins& file = open_[pick(open_.size())];
        if (file.is_directory()) return;
        const std::uint64_t offset = pick(kFileBytesMax);
        const std::uint64_t length = pick(9000);
        INFO("at " << offset << ", " << length << " bytes");
        switch (pick(6)) {
            case 0:
                return expect_same(file.on_host->set_size(offset),
                                   file.in_volume->set_size(offset));
            case 1:
                return expect_same(file.on_host->allocate(offset, length),
                                   file.in_volume->allocate(offset, length));
            case 2:
                return write_both(file, offset);
            case 3:
                return append_both(file);
            default:
                return read_both(file, offset);
        }
    }

    std::string text() {
        std::string text(pick(chance(3) ? 20'000 : 200), '\0');
        for (char& c : text)
            c = static_cast<char>('a' + pick(26));
        return text;
    }

    void write_both(Twins& file, std::uint64_t offset) {
        std::string content = text();
        INFO("write " << content.size() << " at " << offset);
        const iovec buffer = buffer_of(content);
        auto on_host = file.on_host->write_at({&buffer, 1}, offset);
        auto in_volume = file.in_volume->write_at({&buffer, 1}, offset);
        expect_same(on_host.error(), in_volume.error());
        REQUIRE(*in_volume == *on_host);
    }

    void append_both(Twins& file) {
        std::string content = text();
        INFO("write " << content.size());
        const iovec buffer = buffer_of(content);
        auto on_host = file.on_host->write({&buffer, 1}, Waiting::allowed);
        auto in_volume = file.in_volume->write({&buffer, 1}, Waiting::allowed);
        expect_same(on_host.error(), in_volume.error());
        auto host_position = file.on_host->seek(0, Whence::current);
        REQUIRE(*file.in_volume->seek(0, Whence::current) == *host_position);
    }

    void read_both(Twins& file, std::uint64_t offset) {
        std::string host_text(10'000, '\0'), volume_text(10'000, '\0');
        std::array host_buffers = {buffer_of(host_text), buffer_of(host_text)};
        std::array volume_buffers = {buffer_of(volume_text), buffer_of(volume_text)};
        for (auto* buffers : {&host_buffers, &volume_buffers}) {
            (*buffers)[0].iov_len = 3'000;
            (*buffers)[1].iov_base = static_cast<char*>((*buffers)[1].iov_base) + 3'000;
            (*buffers)[1].iov_len = 7'000;
        }
        INFO("read at " << offset);
        auto on_host = file.on_host->read_at(host_buffers, offset);
        auto in_volume = file.in_volume->read_at(volume_buffers, offset);
        expect_same(on_host.error(), in_volume.error());
        REQUIRE(*in_volume == *on_host);
        REQUIRE(volume_text == host_text);
        auto host_status = file.on_host->status();
        expect_same(*host_status, *file.in_volume->status());
    }

    static void remove_all(Directory& directory) {
        const auto listed = *directory.entries_from(0);
        const std::vector<DirectoryEntry> entries(listed.begin(), listed.end());
        for (const DirectoryEntry& entry : entries) {
            if (entry.name == "." || entry.name == "..") continue;
            if (entry.type != FileType::directory) {
                REQUIRE(directory.unlink_file(entry.name) == Errno::success);
                continue;
            }
            auto below = directory.open(entry.name, {.directory = true, .read = true});
            remove_all(static_cast<Directory&>(**below));
            (*below)->let_go();
            REQUIRE(directory.remove_directory(entry.name) == Errno::success);
        }
    }

    std::mt19937_64 random_;
    HostFixture fixture_;
    TemporaryFolder folder_;
    MemoryDisks disks_;
    std::unique_ptr<Volumes> volumes_ = std::make_unique<Volumes>(disks_, fixture_.clock);
    DiskId disk_{0};
    std::vector<Twins> open_;
};

}  // namespace

TEST_CASE("a volume does what a directory of the host does", "[leases][volume][random]") {
    Comparison comparison(announced_seed());

    comparison.run(kSteps * static_cast<int>(effort()));

    comparison.expect_nothing_left();
}

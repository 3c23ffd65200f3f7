#include <algorithm>
#include <filesystem>
#include <set>

#include "leases/admission.hpp"
#include "leases/socket.hpp"
#include "leases/stream.hpp"
#include "leases/volume/volume_directory.hpp"
#include "tests/fuzz/seeds.hpp"
#include "tests/support/host_fixture.hpp"
#include "tests/support/memory_disk.hpp"

namespace sojourn::fuzz {

using test::GuestFixture;

namespace {

/// As long as every temporary folder's name: seeds hold this, a run its own folder.
constexpr std::string_view kAnyFolder = "/tmp/sojourn-test-XXXXXX";

void replace(ByteVector& bytes, Bytes from, Bytes to) {
    if (from.size() != to.size()) return;
    for (auto at = bytes.begin();;) {
        at = std::search(at, bytes.end(), from.begin(), from.end());
        if (at == bytes.end()) return;
        at = std::copy(to.begin(), to.end(), at);
    }
}

/// A guest that has a volume.
struct VolumeGuest : GuestFixture {
    test::MemoryDisks disks;
    leases::Volumes volumes{disks, clock};
    std::unique_ptr<leases::VolumeDirectory> root;
    std::unique_ptr<leases::Descriptor> file;

    VolumeGuest() {
        host.volumes = &volumes;
        const auto disk = *volumes.create("data", leases::Volume::kSmallestBytes);
        root = *leases::VolumeDirectory::grant(disk, "/volume", false, host);
        file = std::move(*root->open("file", {.create = true, .write = true}));
    }
};

/// What the files lead to that this host process has open.
std::set<std::string> open_files() {
    std::set<std::string> targets;
    std::error_code problem;
    for (const auto& file : std::filesystem::directory_iterator("/proc/self/fd", problem))
        targets.insert(std::filesystem::read_symlink(file.path(), problem).native());
    return targets;
}

/// Files and directories alone; sockets and the like are named otherwise.
bool lies_elsewhere(const std::string& target, const std::string& folder) {
    return target.starts_with('/') && target != folder && !target.starts_with(folder + "/") &&
           !target.starts_with("/proc/");
}

leases::AdmissionTerms terms_for(const std::string& folder) {
    leases::AdmissionTerms terms;
    terms.granted.add({leases::Grant::Kind::directory, folder, false});
    for (const auto kind : {leases::ServiceKind::directory, leases::ServiceKind::file,
                            leases::ServiceKind::stream, leases::ServiceKind::listener,
                            leases::ServiceKind::volume, leases::ServiceKind::volume_file})
        terms.optional.emplace_back(text_of(kind));
    return terms;
}

/// Whatever the bytes say, nothing but the folder is reached.
void obtain(leases::LeaseManager& leases, const std::string& folder) {
    const auto before = open_files();
    auto admission = leases::Admission::prepare(leases, terms_for(folder));
    EXPECTS(admission.ok(), "terms without names fit everything");
    static_cast<void>(admission->obtain());
    for (const leases::Lease& lease : leases.leases())
        static_cast<void>(leases.use(lease.id));
    for (const std::string& target : open_files()) {
        EXPECTS(before.contains(target) || !lies_elsewhere(target, folder),
                "nothing was opened that was not granted");
    }
}

}  // namespace

Seeds seeds_of_leases() {
    VolumeGuest guest;
    guest.folder.write("file", "some text");
    guest.opened("file", 0, GuestFixture::kRead | GuestFixture::kWrite, 1);
    guest.leases->grant(*leases::Stream::open_at(1, "/dev/null", guest.host));
    guest.leases->grant(*leases::Listener::open("127.0.0.1:0", guest.host));
    guest.leases->grant(std::move(guest.root));
    guest.leases->grant(std::move(guest.file));
    const auto console = *leases::Console::create();
    leases::Host detached{.clock = guest.clock,
                          .random = guest.random,
                          .interrupt = *guest.interrupt,
                          .terminal = console.get(),
                          .console = console.get()};
    EXPECTS(console->type("typed\n") && console->type(""), "a new console has room");
    guest.leases->grant(*leases::Stream::open(0, detached));
    // What nobody granted.
    guest.leases->grant(*leases::HostDirectory::grant(
        {.grant = "/", .path = {}, .is_read_only = true}, "/", nullptr));
    Seeds seeds{*guest.leases->capture()};
    EXPECTS(guest.leases->expire_all().ok(), "leases on files of our own expire");
    seeds.push_back(*guest.leases->capture());
    for (ByteVector& seed : seeds)
        replace(seed, as_bytes(guest.folder.name()), as_bytes(kAnyFolder));
    return seeds;
}

void run_leases(Bytes input) {
    static VolumeGuest guest;
    guest.folder.write("file", "some text");
    ByteVector state = to_vector(input);
    replace(state, as_bytes(kAnyFolder), as_bytes(guest.folder.name()));
    const auto manager = leases::LeaseManager::restore(state, guest.host, store::Epoch{2});
    if (!manager.ok()) return;
    obtain(**manager, guest.folder.name());
    if ((*manager)->expire_all().ok()) {
        const auto saved = (*manager)->capture();
        EXPECTS(
            saved.ok() && leases::LeaseManager::restore(*saved, guest.host, store::Epoch{3}).ok(),
            "what was restored can be saved");
    }
}

}  // namespace sojourn::fuzz

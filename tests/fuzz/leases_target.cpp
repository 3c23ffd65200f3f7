#include <algorithm>

#include "tests/fuzz/seeds.hpp"
#include "tests/support/host_fixture.hpp"

namespace sojourn::fuzz {

using test::GuestFixture;

namespace {

/// As long as every temporary folder's name: seeds hold this, a run its own folder.
constexpr std::string_view kAnyFolder = "/tmp/sojourn-test-XXXXXX";

/// How often `from` stood there.
std::size_t replace(ByteVector& bytes, Bytes from, Bytes to) {
    std::size_t count = 0;
    if (from.size() != to.size()) return count;
    for (auto at = bytes.begin();; ++count) {
        at = std::search(at, bytes.end(), from.begin(), from.end());
        if (at == bytes.end()) return count;
        at = std::copy(to.begin(), to.end(), at);
    }
}

std::size_t directories_in(const leases::LeaseManager& manager) {
    const auto leases = manager.leases();
    return static_cast<std::size_t>(
        std::ranges::count(leases, leases::ServiceKind::directory, &leases::Lease::kind));
}

}  // namespace

Seeds seeds_of_leases() {
    GuestFixture guest;
    guest.folder.write("file", "some text");
    guest.opened("file", 0, GuestFixture::kRead | GuestFixture::kWrite, 1);
    Seeds seeds{*guest.leases->capture()};
    EXPECTS(guest.leases->expire_all().ok(), "leases on files of our own expire");
    seeds.push_back(*guest.leases->capture());
    for (ByteVector& seed : seeds)
        replace(seed, as_bytes(guest.folder.name()), as_bytes(kAnyFolder));
    return seeds;
}

void run_leases(Bytes input) {
    static GuestFixture guest;
    guest.folder.write("file", "some text");
    ByteVector state = to_vector(input);
    const auto folders = replace(state, as_bytes(kAnyFolder), as_bytes(guest.folder.name()));
    const auto manager = leases::LeaseManager::restore(state, guest.host, store::Epoch{2});
    // A directory elsewhere is left alone: this host is not the fuzzer's to change.
    if (!manager.ok() || directories_in(**manager) > folders) return;
    (*manager)->reestablish_all();
    for (const leases::Lease& lease : (*manager)->leases())
        static_cast<void>((*manager)->use(lease.id));
    if ((*manager)->expire_all().ok()) {
        const auto saved = (*manager)->capture();
        EXPECTS(
            saved.ok() && leases::LeaseManager::restore(*saved, guest.host, store::Epoch{3}).ok(),
            "what was restored can be saved");
    }
}

}  // namespace sojourn::fuzz

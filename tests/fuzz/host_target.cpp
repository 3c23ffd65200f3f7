#include "tests/fuzz/seeds.hpp"
#include "tests/support/host_fixture.hpp"

namespace sojourn::fuzz {

using test::GuestFixture;

Seeds seeds_of_host() {
    GuestFixture guest;
    Seeds seeds{guest.dispatcher->capture()};
    guest.folder.write("file", "text");
    guest.opened("file", 0, GuestFixture::kRead);
    guest.interrupt->raise();
    guest.iovec(0, GuestFixture::kBuffer, 100);
    guest.call_for_outcome("fd_read", {0, GuestFixture::kIovecs, 1, GuestFixture::kResult});
    seeds.push_back(guest.dispatcher->capture());
    return seeds;
}

void run_host(Bytes input) {
    static GuestFixture guest;
    guest.interrupt->raise();  // nothing waits
    auto restored = vm::Dispatcher::restore(*guest.leases, input, guest.supervisor);
    if (!restored.ok()) return;
    guest.dispatcher = std::move(*restored);
    for (std::uint64_t fd = 0; fd < 8; ++fd) {
        guest.call("fd_fdstat_get", {fd, GuestFixture::kResult});
        guest.call("fd_prestat_get", {fd, GuestFixture::kResult});
    }
    guest.call("args_sizes_get", {GuestFixture::kResult, GuestFixture::kResult + 4});
    guest.call("clock_time_get", {1, 0, GuestFixture::kResult});
    EXPECTS(
        vm::Dispatcher::restore(*guest.leases, guest.dispatcher->capture(), guest.supervisor).ok(),
        "what was restored can be saved");
}

}  // namespace sojourn::fuzz

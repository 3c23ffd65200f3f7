#include "vm/compiler_identity.hpp"

#include <catch2/catch.hpp>

#include "base/file.hpp"

using namespace sojourn;

TEST_CASE("a processor is known by its model and its features", "[compiled]") {
    const std::string here =
        "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel\t\t: 85\ncpu MHz\t\t: 2999.998\n"
        "flags\t\t: fpu sse2 avx2\n\nprocessor\t: 1\nmodel\t\t: 99\n";
    const auto with = [&](const std::string& what, const std::string& instead) {
        std::string text = here;
        return vm::processor_identity(text.replace(text.find(what), what.size(), instead));
    };

    REQUIRE(with("2999.998", "800.000") == vm::processor_identity(here));
    REQUIRE(with("99", "98") == vm::processor_identity(here));
    REQUIRE(with("avx2", "avx512f") != vm::processor_identity(here));
    REQUIRE(with("85", "86") != vm::processor_identity(here));
    REQUIRE_FALSE(vm::processor_identity(as_text(read_file("/proc/cpuinfo").value())).empty());
}

TEST_CASE("a compiler is known by its build", "[compiled]") {
    const auto own = vm::compiler_identity("/proc/self/exe");

    REQUIRE(own.ok());
    REQUIRE(vm::compiler_identity("/proc/self/exe").value() == *own);
    REQUIRE(vm::compiler_identity("/proc/self/maps").error().code == ErrorCode::corrupt);
    REQUIRE(vm::compiler_identity("/nowhere").error().code == ErrorCode::not_found);
}

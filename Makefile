# The project's front door; CMake presets (CMakePresets.json) do the work behind it.
# Each target installs the Debian packages it needs when they are missing.

BUILD   := build/release
VENV_PYTHON := build/python-environment/bin/python
# With the Python package's tests, which say that they are skipped where PyPI is not reached.
TESTED  := -DRETINAFACE_TRAINING=ON -DRETINAFACE_TESTS=ON -DRETINAFACE_PYTHON=ON
PROGRAM := $(BUILD)/bin/retinaface
INSTALL := cmake/install_packages.sh
FUZZ_SECONDS ?= 60
PYTHONS ?= python3

.PHONY: help demo build test bench check format sanitize tidy fuzz arm64 nightly deb wheel clean

help:
	@echo "make demo      build the detector and run it on samples/, images and JSON in out/"
	@echo "make build     build everything"
	@echo "make test      build everything and run the tests"
	@echo "make bench     speed and memory, as ratios measured in one run"
	@echo "make check     formatting, layers and links, as CI checks them"
	@echo "make format    apply .clang-format"
	@echo "make sanitize  unit tests (of MODULES, or all), the trainer's too, under ASan and UBSan"
	@echo "make tidy      clang-tidy on the files changed since BASE (where this branch left main)"
	@echo "make fuzz      each fuzzer (or FUZZERS) for FUZZ_SECONDS (60), and damaged images"
	@echo "make arm64     unit tests and golden faces as ARM processors run them, by qemu-user"
	@echo "make nightly   what takes long: TSan, ASan on all tests, fuzzers, the tests of label slow"
	@echo "make deb       build Debian packages of detector and library, and of the service, for this"
	@echo "               machine and, cross-compiled, for arm64"
	@echo "make wheel     build and test the Python package's wheel, for each of PYTHONS (python3)"
	@echo "make clean     remove build/, out/ and dist/"

demo:
	@$(INSTALL) detect
	@cmake --preset release --log-level=WARNING
	@cmake --build $(BUILD) --target retinaface_program
	@$(PROGRAM) detect samples --out out --draw --overwrite > out.jsonl.part && mkdir -p out && mv out.jsonl.part out/faces.jsonl
	@echo "Annotated images: out/   JSON: out/faces.jsonl"
	@echo "The program: $(PROGRAM)"

build:
	@$(INSTALL) detect evaluate train
	@cmake --preset release --log-level=WARNING -DRETINAFACE_TRAINING=ON
	@cmake --build $(BUILD)
	@echo "The program: $(PROGRAM)"

test:
	@$(INSTALL) detect evaluate train test python
	@tools/python_environment.sh build test peers || echo "Without what PyPI has: the Python package is not tested"
	@cmake --preset release --log-level=WARNING $(TESTED) -DPython_EXECUTABLE=$(abspath $(VENV_PYTHON))
	@cmake --build $(BUILD)
	@cmake/prepare_browser.sh $(BUILD)/browser
	@ctest --test-dir $(BUILD) --output-on-failure -LE slow -j $$(nproc)
	@echo "The program: $(PROGRAM)"

# A time is never a test: what is measured is printed, and read by people.
bench:
	@$(INSTALL) detect evaluate train test python
	@tools/python_environment.sh build || echo "Without what PyPI has: the Python package is not measured"
	@cmake --preset release --log-level=WARNING $(TESTED) -DPython_EXECUTABLE=$(abspath $(VENV_PYTHON))
	@cmake --build $(BUILD) --target bench_ratios bench_serve bench_training_loops \
		bench_training_engines bench_mesh retinaface_library
	@$(BUILD)/bin/bench_ratios
	@$(BUILD)/bin/bench_serve
	@if $(VENV_PYTHON) -m nanobind --version > $(BUILD)/nanobind_version; then \
		cmake --build $(BUILD) --target retinaface_python_package && \
		PYTHONPATH=$(BUILD) $(VENV_PYTHON) benchmarks/python_overhead.py $(BUILD); fi
	@$(BUILD)/bin/bench_training_loops
	@$(BUILD)/bin/bench_training_engines
	@$(BUILD)/bin/bench_mesh samples/*.jpg

check:
	@$(INSTALL) lint
	@cmake/check_format.sh
	@cmake/check_layers.py
	@cmake/check_docs.py

format:
	@git ls-files '*.h' '*.cc' | xargs clang-format -i

# In the fuzzers' tree, which has the libraries under the sanitizers already. Of MODULES, or all.
sanitize:
	@$(INSTALL) detect evaluate train test fuzz sanitize
	@cmake --preset fuzz --log-level=WARNING -DRETINAFACE_TRAINING=ON
	@cmake/sanitize.sh $(or $(SANITIZE_SECONDS),0) $(MODULES)

tidy:
	@$(INSTALL) tidy
	@cmake/check_tidy.sh "$(BASE)" $(TIDY_SECONDS)

# CORRUPT_IMAGES of each format.
fuzz: CORRUPT_IMAGES ?= 2000
fuzz:
	@$(INSTALL) detect evaluate test fuzz
	@cmake --preset fuzz --log-level=WARNING
	@cmake --build build/fuzz --target $(if $(FUZZERS),$(FUZZERS:%=%_fuzz) corrupt_images,fuzzers)
	@fuzz/run.sh build/fuzz/bin $(FUZZ_SECONDS) $(FUZZERS)
	@build/fuzz/bin/corrupt_images tests/data/images $(CORRUPT_IMAGES)

arm64:
	@$(INSTALL) detect test arm64
	@cmake/test_arm64.sh

nightly: arm64
	@$(INSTALL) detect evaluate train test
	@cmake --preset tsan --log-level=WARNING && cmake --build build/tsan && ctest --preset tsan
	@cmake --preset asan --log-level=WARNING && cmake --build build/asan && ctest --preset asan -j $$(nproc)
	@$(MAKE) sanitize
	@$(MAKE) fuzz FUZZ_SECONDS=3600 CORRUPT_IMAGES=20000
	@cmake --preset release --log-level=WARNING -DRETINAFACE_TRAINING=ON -DRETINAFACE_TESTS=ON
	@cmake --build $(BUILD)
	@ctest --test-dir $(BUILD) --output-on-failure -L slow
	@$(MAKE) wheel

deb:
	@$(INSTALL) detect package
	@cmake --preset release --log-level=WARNING -B build/package -DRETINAFACE_TRAINING=OFF
	@cmake --build build/package
	@cpack --config build/package/CPackConfig.cmake
	@[ "$$(dpkg --print-architecture)" = arm64 ] || \
		{ $(INSTALL) arm64 && cmake/package_arm64.sh build/package/package/retinaface_*.deb; }
	@echo "The packages:" build/package/package/*.deb build/package-arm64/package/retinaface_*.deb

# In dist/, carrying what it links (doc/python.md).
wheel:
	@$(INSTALL) detect python
	@tools/build_wheel.sh $(PYTHONS)

clean:
	rm -rf build out dist

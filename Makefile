# The project's front door; CMake presets (CMakePresets.json) do the work behind it.
# Each target installs the Debian packages it needs when they are missing.

BUILD   := build/release
PROGRAM := $(BUILD)/bin/retinaface
INSTALL := cmake/install_packages.sh

.PHONY: help demo build test check format sanitize clean

help:
	@echo "make demo      build the detector and run it on samples/, pictures and JSON in out/"
	@echo "make build     build everything"
	@echo "make test      build everything and run the tests"
	@echo "make check     formatting and layering, as CI checks them"
	@echo "make format    apply .clang-format"
	@echo "make sanitize  unit tests under ASan and UBSan, threaded ones under TSan"
	@echo "make clean     remove build/ and out/"

demo:
	@$(INSTALL) detect
	@cmake --preset release --log-level=WARNING
	@cmake --build $(BUILD) --target retinaface_program
	@$(PROGRAM) detect samples --out out --draw > out.jsonl.part && mkdir -p out && mv out.jsonl.part out/faces.jsonl
	@echo "Annotated pictures: out/   JSON: out/faces.jsonl"
	@echo "The program: $(PROGRAM)"

build:
	@$(INSTALL) detect evaluate train
	@cmake --preset release --log-level=WARNING -DRETINAFACE_TRAINING=ON
	@cmake --build $(BUILD)
	@echo "The program: $(PROGRAM)"

test:
	@$(INSTALL) detect evaluate test
	@cmake --preset release --log-level=WARNING -DRETINAFACE_TRAINING=OFF -DRETINAFACE_TESTS=ON
	@cmake --build $(BUILD)
	@ctest --test-dir $(BUILD) --output-on-failure
	@echo "The program: $(PROGRAM)"

check:
	@$(INSTALL) lint
	@cmake/check_format.sh
	@cmake/check_layers.py

format:
	@git ls-files '*.h' '*.cc' | xargs clang-format -i

sanitize:
	@$(INSTALL) detect evaluate test
	@for preset in asan tsan; do \
	  cmake --preset $$preset --log-level=WARNING && cmake --build build/$$preset && \
	  ctest --preset $$preset || exit 1; done

clean:
	rm -rf build out

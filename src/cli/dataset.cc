#include "cli/dataset.h"

#include "cli/program.h"

namespace retinaface::cli {
namespace {

constexpr Command kCommands[] = {
    {"check", "list what is wrong with a set; draw samples",
     "retinaface dataset check wider/train\n"
     "retinaface dataset check wider_face_val_bbx_gt.txt --images WIDER_val/images\n"
     "retinaface dataset check faces/ --out drawn --draw 20",
     declare_dataset_check},
    {"convert", "write a set's annotations in another format",
     "retinaface dataset convert WIDER/ --to coco -o annotations.json\n"
     "retinaface dataset convert VOC2012/ --to label -o train/label.txt\n"
     "retinaface dataset convert heads.json --category head --to label -o train/label.txt",
     declare_dataset_convert},
};

}  // namespace

Action declare_dataset(CLI::App& app) {
  return declare_group(app, kCommands);
}

}  // namespace retinaface::cli

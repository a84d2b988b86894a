#include "cli/command.h"

namespace retinaface::cli {

std::span<const Command> commands() {
  static constexpr Command kCommands[] = {
      {"detect", "find faces in images and videos",
       "retinaface detect photo.jpg\n"
       "retinaface detect holiday/ --out found --draw > faces.jsonl\n"
       "retinaface detect holiday/ --out private --blur -o faces.jsonl --resume\n"
       "retinaface detect video.mp4 --out drawn.mp4 --draw > faces.jsonl\n"
       "retinaface detect /dev/video0 --every 5\n"
       "retinaface detect images/ --format wider --out predictions --min-score 0.02",
       declare_detect},
      {"evaluate", "measure a detector by the field's protocols",
       "retinaface evaluate wider --ground-truth DIR --images DIR\n"
       "retinaface evaluate wider --ground-truth DIR --predictions DIR --json ap.json\n"
       "retinaface evaluate compare mnet025 mine.safetensors --ground-truth DIR --images DIR\n"
       "retinaface evaluate landmarks --aflw DIR\n"
       "retinaface evaluate verification --pairs FILE --images DIR --recognizer FILE",
       declare_evaluate},
      {"embed", "make vectors of faces, by which they can be compared",
       "retinaface embed photo.jpg --recognizer mobilefacenet.safetensors\n"
       "retinaface embed album/ --recognizer mobilefacenet.safetensors -o faces.npy > faces.jsonl",
       declare_embed},
      {"verify", "tell how alike the faces of two images are",
       "retinaface verify a.jpg b.jpg --recognizer mobilefacenet.safetensors\n"
       "retinaface verify a.jpg b.jpg --recognizer mobilefacenet.safetensors --evaluation lfw.json "
       "--far 1e-2",
       declare_verify},
      {"import", "make a model of a PyTorch checkpoint or an ONNX file",
       "retinaface import mobilenet0.25_Final.pth -o mine.safetensors\n"
       "retinaface import scrfd_2.5g_kps.onnx -o scrfd.safetensors\n"
       "retinaface import mobilefacenet.onnx -o mobilefacenet.safetensors\n"
       "retinaface import imagenet.tar -o backbone.safetensors --part backbone",
       declare_import},
      {"export", "write a model as a file for other programs",
       "retinaface export --format onnx -o retinaface.onnx\n"
       "retinaface export mine.safetensors -o mine.onnx\n"
       "retinaface export mnet025 --init random --seed 7 -o random.onnx",
       declare_export},
      {"dataset", "check annotated images, and convert their annotations",
       "retinaface dataset check wider/train\n"
       "retinaface dataset convert instances_train.json --to label -o train/label.txt",
       declare_dataset},
      {"bench", "measure how fast models run on this machine",
       "retinaface bench\n"
       "retinaface bench --size 640x480 --threads 1 --seconds 3\n"
       "retinaface bench --model mnet025 resnet50 --image crowd.jpg --json speed.json --chart "
       "speed.png",
       declare_bench},
      {"models", "list the models and backends that this program knows",
       "retinaface models\n"
       "retinaface models --training",
       declare_models},
      {"quantize", "make a model ready for --type int8",
       "retinaface quantize mnet025 --images wider/train/images -o mnet025-int8.safetensors\n"
       "retinaface detect --model mnet025-int8.safetensors --type int8 photo.jpg",
       declare_quantize},
      {"summary", "list a network's layers, shapes, parameters, multiply-adds and anchors",
       "retinaface summary mnet025 --size 640x480\n"
       "retinaface summary resnet50+dcn --size 640x640 --json resnet50.json",
       declare_summary},
      {"serve", "answer requests by HTTP, with a page to try it",
       "retinaface serve\n"
       "retinaface serve --port 9000 --threads 4 --verbose\n"
       "retinaface serve --bind 0.0.0.0 --api-key-file keys.txt --max-body 10000000",
       declare_serve},
      {"train", "train a detector on annotated images",
       "retinaface train recipes/mnet025-fast.toml --data wider/train --val wider/val --out run",
       declare_train},
  };
  return kCommands;
}

}  // namespace retinaface::cli

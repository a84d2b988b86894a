/* Links weights/mnet025.safetensors into the library as read-only data. */
    .section .rodata
    .balign 64
    .hidden retinaface_mnet025_begin
    .hidden retinaface_mnet025_end
    .globl retinaface_mnet025_begin
retinaface_mnet025_begin:
    .incbin "mnet025.safetensors"
    .globl retinaface_mnet025_end
retinaface_mnet025_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits

/* Links src/mesh/topology.safetensors into the library as read-only data. */
    .section .rodata
    .balign 64
    .hidden retinaface_topology_begin
    .hidden retinaface_topology_end
    .globl retinaface_topology_begin
retinaface_topology_begin:
    .incbin "topology.safetensors"
    .globl retinaface_topology_end
retinaface_topology_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits

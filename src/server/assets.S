/* Links the page and the schema of results into the program as read-only data. */
    .macro file name, path
    .hidden retinaface_\name\()_begin
    .hidden retinaface_\name\()_end
    .globl retinaface_\name\()_begin
retinaface_\name\()_begin:
    .incbin "\path"
    .globl retinaface_\name\()_end
retinaface_\name\()_end:
    .byte 0
    .endm
    .section .rodata
    file page_html, "src/server/page/index.html"
    file page_css, "src/server/page/app.css"
    file page_js, "src/server/page/app.js"
    file page_icon, "src/server/page/icon.svg"
    file result_schema, "doc/output.schema.json"
    .section .note.GNU-stack, "", %progbits

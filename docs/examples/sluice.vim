" ~/.vim/after/ftplugin/yaml.vim: `:make` fills the quickfix list
let &l:makeprg = 'sluice lint manifests/'
let &l:errorformat = '%A%trror%m,%A%tarning%m,%A%tnfo%m,%Z%*[ ]--> %f:%l:%c,%-G%.%#'
